from __future__ import annotations


def check_on_error(on_error: str) -> None:
    """Refuses what says neither to raise an error at a bad picture nor to skip it.

    Args:
        on_error: what was given.

    Raises:
        ValueError: if it is not `"raise"` or `"skip"`.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(
            f"`on_error` must be 'raise' or 'skip'. Received: on_error={on_error!r}."
        )
