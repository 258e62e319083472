from __future__ import annotations

import numpy as np


def split_indices(number: int, fraction: float, seed: int) -> tuple[list, list]:
    """Draws which pictures go to the second of two parts.

    Args:
        number: int, of the pictures.
        fraction: float between 0 and 1, the share of the second part.
        seed: int.

    Returns:
        Two sorted lists of indices, which share none.

    Raises:
        ValueError: if `fraction` is out of range, or a part would be empty.
    """
    if not 0 < fraction < 1:
        raise ValueError(
            "`validation_fraction` must be between 0 and 1, e.g. 0.1. "
            f"Received: validation_fraction={fraction}."
        )
    second = round(fraction * number)
    if not 0 < second < number:
        raise ValueError(
            f"{number} pictures cannot be split with "
            f"validation_fraction={fraction}: one part would be empty."
        )
    order = np.random.default_rng(seed).permutation(number)
    return sorted(order[second:]), sorted(order[:second])
