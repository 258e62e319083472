from __future__ import annotations

import operator


def whole_number(
    name: str, value: object, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Checks that an argument is an integer, Python's or NumPy's.

    Args:
        name: string, the name of the argument.
        value: the value of the argument.
        minimum: int, the smallest allowed value, or `None`.
        maximum: int, the largest allowed value, or `None`.

    Returns:
        The value as a Python int.

    Raises:
        ValueError: if it is not an integer, or out of range.
    """
    limits = [f"at least {minimum}"] if minimum is not None else []
    limits += [f"at most {maximum}"] if maximum is not None else []
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    valid = number is not None and (minimum is None or number >= minimum)
    if valid and (maximum is None or number <= maximum):
        return number
    wanted = f"an integer of {' and '.join(limits)}" if limits else "an integer"
    raise ValueError(f"`{name}` must be {wanted}. Received: {name}={value!r}.")
