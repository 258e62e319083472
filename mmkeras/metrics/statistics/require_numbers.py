from __future__ import annotations

import numpy as np


def require_numbers(values, name: str) -> np.ndarray:
    """The values as float64, all of them finite.

    Args:
        values: an array or what can be made one.
        name: string, the argument that an error names.

    Raises:
        ValueError: if one is NaN or infinite; the error says where.
    """
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise ValueError(
            f"`{name}` has {array[place]} at {list(place)}: leave it out or mend it."
        )
    return array
