from __future__ import annotations


def real_number(name: str, value: object) -> float:
    """Checks that an argument is a number.

    Args:
        name: string, the name of the argument.
        value: the value of the argument.

    Returns:
        The value as a Python float.

    Raises:
        ValueError: if it is not a number; the string `"0.9"` is not.
    """
    try:
        # float() would convert a string too.
        return float(None if isinstance(value, (str, bytes)) else value)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be a number. Received: {name}={value!r}."
        ) from None
