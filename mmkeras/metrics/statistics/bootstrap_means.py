from __future__ import annotations

import numpy as np


def bootstrap_means(values: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Means of samples drawn with replacement.

    Args:
        values: float `[rows]`.
        samples: int, how many samples of as many rows.
        seed: int.

    Returns:
        Float `[samples]`.
    """
    draw = np.random.default_rng(seed)
    # So that the draws of a million rows stay within some ten megabytes.
    at_once = max(1, 2_000_000 // len(values))
    parts = []
    for start in range(0, samples, at_once):
        rows = min(at_once, samples - start)
        places = draw.integers(0, len(values), (rows, len(values)))
        parts.append(values[places].mean(axis=1))
    return np.concatenate(parts)
