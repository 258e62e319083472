"""The precisions of LiteRT files, without importing TensorFlow."""

from __future__ import annotations

# The least share of samples for which a file must say the very same.
LEAST_IDENTICAL = {
    "float32": 1.0,
    "float16": 1.0,
    "dynamic_int8": 0.75,
    "weight_only_int8": 0.75,
    "mixed_int8": 0.75,
}
PRECISIONS = tuple(LEAST_IDENTICAL)
