from __future__ import annotations

import numpy as np

from mmkeras.arguments import real_number, whole_number


def split_indices(number: int, fraction: float, seed: int) -> tuple[list, list]:
    """Draws which images go to the second of two datasets.

    Args:
        number: int, the number of images.
        fraction: float between 0 and 1, the fraction of the second dataset.
        seed: int.

    Returns:
        Two sorted lists of indices without a common index.

    Raises:
        ValueError: if `fraction` is out of range, or a dataset would be empty.
    """
    fraction = real_number("validation_fraction", fraction)
    if not 0 < fraction < 1:
        raise ValueError(
            "`validation_fraction` must be between 0 and 1, e.g. 0.1. "
            f"Received: validation_fraction={fraction}."
        )
    second = round(fraction * number)
    if not 0 < second < number:
        raise ValueError(
            f"{number} images cannot be split with "
            f"validation_fraction={fraction}: one part would be empty."
        )
    order = np.random.default_rng(whole_number("seed", seed, 0)).permutation(number)
    return sorted(order[second:]), sorted(order[:second])
