"""The precisions of LiteRT files, without importing TensorFlow."""

from __future__ import annotations

# Minimum share of samples for which a file must give the same output.
MIN_IDENTICAL = {
    "float32": 1.0,
    "float16": 1.0,
    "dynamic_int8": 0.75,
    "weight_only_int8": 0.75,
    "mixed_int8": 0.75,
}
PRECISIONS = tuple(MIN_IDENTICAL)
