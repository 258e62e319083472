"""The image encoder sees each image once, however many questions it has."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import VisualQA
from tests.conftest import SIDE, to_dataset

IMAGES = 6


class CountImages(keras.layers.Layer):
    """Returns its input, and records how many images it has seen."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, inputs):
        number = tf.numpy_function(self._count, [tf.shape(inputs)[0]], tf.int32)
        with tf.control_dependencies([number]):
            return tf.identity(inputs)

    def _count(self, number):
        self.seen.append(int(number))
        return np.int32(number)

    def compute_output_shape(self, input_shape):
        return input_shape


def make(dataset):
    """A model, and the layer that counts within its image encoder."""
    counter = CountImages()
    images = keras.Input((SIDE, SIDE, 3))
    maps = keras.layers.Conv2D(4, 8, strides=8)(counter(images))
    vqa = VisualQA.from_data(
        dataset,
        image_encoder=keras.Model(images, maps),
        image_size=SIDE,
        hidden_dim=8,
        trainable_encoder=True,
        seed=0,
    )
    vqa.compile("sgd", weighted_metrics=None)
    return vqa, counter


@pytest.fixture(scope="module")
def asked(scenes):
    # More questions than images, or the test could not fail.
    assert all(len(row["question"]) > 1 for row in scenes[:IMAGES])
    return to_dataset(scenes[:IMAGES])


@pytest.fixture(scope="module")
def counted(asked):
    return make(asked)


def seen_in(counter, act) -> int:
    counter.seen.clear()
    act()
    return sum(counter.seen)


def test_in_fit_and_evaluate(counted, asked):
    vqa, counter = counted
    options = {"batch_size": 4, "verbose": 0}
    # Two epochs of six images.
    assert seen_in(counter, lambda: vqa.fit(asked, epochs=2, **options)) == 12
    assert seen_in(counter, lambda: vqa.evaluate(asked, **options)) == 6


def test_in_answer(counted, scenes):
    vqa, counter = counted
    images = [row["image"] for row in scenes[:IMAGES]]
    questions = [row["question"] for row in scenes[:IMAGES]]
    assert seen_in(counter, lambda: vqa.answer(images, questions)) == 6
    assert seen_in(counter, lambda: vqa.answer(images[0], questions[0])) == 1


def test_on_two_replicas(asked):
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        vqa, counter = make(asked)
    options = {"batch_size": 4, "verbose": 0}
    assert seen_in(counter, lambda: vqa.fit(asked, epochs=2, **options)) == 12
    # Four images and then two, half of them on each replica.
    assert sorted(counter.seen) == [1, 1, 1, 1, 2, 2, 2, 2]
    assert seen_in(counter, lambda: vqa.evaluate(asked, **options)) == 6
