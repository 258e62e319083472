from __future__ import annotations


def real_number(
    name: str,
    value: object,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Checks that an argument is a number, Python's or NumPy's.

    Args:
        name: string, the name of the argument.
        value: the value of the argument.
        minimum: float, the smallest allowed value, or `None`.
        maximum: float, the largest allowed value, or `None`.
        above: float that the value must exceed, or `None`.
        below: float that the value must be less than, or `None`.

    Returns:
        The value as a Python float.

    Raises:
        ValueError: if it is not a number (the string `"0.9"` is not), or out of
            range; NaN is out of every range.
    """
    try:
        # float() would convert a string too.
        number = float(None if isinstance(value, (str, bytes)) else value)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be a number. Received: {name}={value!r}."
        ) from None
    limits = {
        "at least": (minimum, lambda limit: number >= limit),
        "greater than": (above, lambda limit: number > limit),
        "at most": (maximum, lambda limit: number <= limit),
        "less than": (below, lambda limit: number < limit),
    }
    given = {word: pair for word, pair in limits.items() if pair[0] is not None}
    if all(fits(limit) for limit, fits in given.values()):
        return number
    wanted = " and ".join(f"{word} {limit}" for word, (limit, _) in given.items())
    raise ValueError(f"`{name}` must be {wanted}. Received: {name}={value!r}.")
