from __future__ import annotations

import operator


def whole_number(
    name: str, value: object, least: int | None = None, most: int | None = None
) -> int:
    """An argument that must be an integer, Python's or NumPy's.

    Args:
        name: string, of the argument.
        value: what was given.
        least: int, the smallest that is allowed, or `None` for any.
        most: int, the largest that is allowed, or `None` for any.

    Returns:
        The value as an int of Python.

    Raises:
        ValueError: if it is no integer, or out of range.
    """
    limits = [f"of at least {least}"] if least is not None else []
    limits += [f"at most {most}"] if most is not None else []
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    fine = number is not None and (least is None or number >= least)
    if fine and (most is None or number <= most):
        return number
    wanted = " ".join(["an integer", " and ".join(limits)]).rstrip()
    raise ValueError(f"`{name}` must be {wanted}. Received: {name}={value!r}.")
