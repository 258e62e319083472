from __future__ import annotations


def real_number(name: str, value: object) -> float:
    """An argument that must be a number; what it may be is left to its user.

    Args:
        name: string, of the argument.
        value: what was given.

    Returns:
        The value as a float of Python.

    Raises:
        ValueError: if it is no number; `"0.9"` is none.
    """
    try:
        # Of a string float() would make a number too.
        return float(None if isinstance(value, (str, bytes)) else value)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be a number. Received: {name}={value!r}."
        ) from None
