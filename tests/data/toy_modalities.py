"""Modalities as a plugin would define them, to test that nothing asks for images."""

import tensorflow as tf

from mmkeras.preprocessing.modality import Modality


class Sensor(Modality):
    """float32 `[3]` of a sample, of which no number may be negative."""

    def __init__(self, optional=False):
        super().__init__("sensor", optional)

    def value_batched(self, value):
        return value.shape.rank == 2

    def load(self, values):
        return list(values), [f"sensor {i}" for i in range(len(values))], False

    def decode(self, values):
        bad = tf.reduce_any(values < 0, axis=-1)
        return values * 2, tf.where(bad, "negative", "")


class Byte(Modality):
    """Strings of one byte, of which 255 cannot be decoded."""

    def __init__(self):
        super().__init__("image")

    def value_batched(self, value):
        return value.shape.rank == 1

    def load(self, values):
        return list(values), [f"image {i}" for i in range(len(values))], False

    def decode(self, values):
        numbers = tf.cast(tf.io.decode_raw(values, tf.uint8, fixed_length=1), "float32")
        return numbers, tf.where(tf.equal(values, b"\xff"), "all white", "")
