from __future__ import annotations

import numpy as np
import numpy.typing as npt


def require_numbers(values: npt.ArrayLike, name: str) -> np.ndarray:
    """Converts values to float64 and checks that they are finite.

    Args:
        values: array-like of numbers.
        name: string, the name of the argument, for the error.

    Returns:
        Float64 array.

    Raises:
        ValueError: if a value is NaN or infinite; the message gives its position.
    """
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise ValueError(
            f"`{name}` has {array[place]} at {list(place)}: remove or correct it."
        )
    return array
