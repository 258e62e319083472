import tensorflow as tf

from mmkeras.data import number_samples
from tests.data.toy_modalities import Sensor


def test_samples_are_numbered_batched_or_not():
    data = tf.data.Dataset.from_tensor_slices({"image": ["a"] * 5})
    single = [int(row["sample_number"]) for row in number_samples(data)]
    assert single == [0, 1, 2, 3, 4]
    rows = [row["sample_number"].numpy() for row in number_samples(data.batch(2))]
    assert [row.tolist() for row in rows] == [[0, 1], [2, 3], [4]]


def test_another_modality():
    data = tf.data.Dataset.from_tensor_slices({"sensor": tf.zeros([5, 3])})
    numbered = number_samples(data.batch(2), (Sensor(),))
    rows = [row["sample_number"].numpy().tolist() for row in numbered]
    assert rows == [[0, 1], [2, 3], [4]]
    assert [int(r["sample_number"]) for r in number_samples(data, (Sensor(),))] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_cached_features():
    data = tf.data.Dataset.from_tensor_slices({"image_features": tf.zeros([3, 4, 2])})
    rows = [row["sample_number"].numpy() for row in number_samples(data.batch(2))]
    assert [row.tolist() for row in rows] == [[0, 1], [2]]
