"""Conversion of Keras 2 models (`tf_keras`) to Keras 3."""

from mmkeras.keras2.load_tf_keras import load_tf_keras
from mmkeras.keras2.tensor_operation import TensorOperation

__all__ = ["TensorOperation", "load_tf_keras"]
