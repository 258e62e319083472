from __future__ import annotations

import tensorflow as tf


def is_batched(spec: dict[str, tf.TypeSpec]) -> bool:
    """Tells whether samples are batched, by the rank of their pictures.

    Args:
        spec: dict, the `element_spec` of a dataset, or a sample of it, with `image`
            or `image_features`.
    """
    if "image" not in spec:
        return spec["image_features"].shape.rank == 3
    rank = spec["image"].shape.rank
    return rank == 1 if spec["image"].dtype == tf.string else rank == 4
