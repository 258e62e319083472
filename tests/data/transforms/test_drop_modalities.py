import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import batch_samples, drop_modalities
from mmkeras.preprocessing.text.text_modality import TextModality
from tests.data.toy_modalities import Sensor

NUMBER = 200


@pytest.fixture(scope="module")
def dataset():
    """Images with two questions each."""
    columns = {
        "image": [f"image {i}" for i in range(NUMBER)],
        "question": [[f"first {i}", f"second {i}"] for i in range(NUMBER)],
        "answer": [["a", "b"]] * NUMBER,
    }
    return tf.data.Dataset.from_tensor_slices(columns)


def columns(dataset, *keys):
    rows = list(dataset.as_numpy_iterator())
    return [np.array([row[key] for row in rows]) for key in keys]


def test_a_share_is_dropped_the_same_at_each_pass(dataset):
    dropped = drop_modalities(dataset, {"image": 0.25, "question": 0.5})
    image, present = columns(dropped, "image", "image_present")
    question, asked = columns(dropped, "question", "question_present")
    # 200 · 0.25 = 50, and 200 · 0.5 = 100, within four standard deviations, 4 · 6.1
    # and 4 · 7.1.
    assert abs((~present).sum() - 50) < 25
    assert abs((~asked[:, 0]).sum() - 100) < 29
    assert ((image == b"") == ~present).all()
    assert image[present][0].startswith(b"image")
    assert ((question == b"") == ~asked).all()
    # The two are independent: both dropped in about 200 / 8 = 25 (4 · 4.7).
    assert abs((~present & ~asked[:, 0]).sum() - 25) < 19
    (answers,) = columns(dropped, "answer")
    assert (answers == [b"a", b"b"]).all()
    (again,) = columns(dropped, "image_present")
    assert (again == present).all()


def test_seeds_and_fractions(dataset):
    def present(fraction, seed=0):
        dropped = drop_modalities(dataset, {"image": fraction}, seed=seed)
        return columns(dropped, "image_present")[0]

    assert (present(0.5) != present(0.5, seed=1)).any()
    # More is dropped of the same.
    assert (present(0.2) >= present(0.6)).all()
    assert present(0).all() and not present(1).any()


def test_questions_together_or_each(dataset):
    together = drop_modalities(dataset, {"question": 0.5})
    (asked,) = columns(together, "question_present")
    assert (asked[:, 0] == asked[:, 1]).all()
    assert "image_present" not in together.element_spec
    each = drop_modalities(dataset, {"question": 0.5}, per_question=True)
    question, asked = columns(each, "question", "question_present")
    assert 50 < (asked[:, 0] != asked[:, 1]).sum() < 150
    assert ((question == b"") == ~asked).all()


def test_one_question_a_sample():
    dataset = tf.data.Dataset.from_tensor_slices({"question": ["what?"] * 8})
    spec = drop_modalities(dataset, {"question": 0.5}).element_spec
    assert spec["question_present"] == tf.TensorSpec([], tf.bool)


def test_arrays_and_images_that_were_missing_before():
    dataset = tf.data.Dataset.from_tensor_slices(
        {"image": tf.zeros([4, 2, 3, 3], tf.uint8), "image_present": [True, False] * 2}
    )
    kept = drop_modalities(dataset, {"image": 0})
    image, present = columns(kept, "image", "image_present")
    assert present.tolist() == [True, False, True, False]
    assert tf.io.decode_png(image[0]).shape == (2, 3, 3)
    assert image[1] == b""


def test_bad_arguments(dataset):
    for fractions, message in (
        ({"audio": 0.1}, "modality 'audio'; it may have 'image' and 'question'"),
        ({"image": 1.5}, r"from 0 to 1.*fractions\['image'\]=1.5"),
        ({"question": -0.1}, r"from 0 to 1.*fractions\['question'\]=-0.1"),
        ({"image": "0.5"}, r"must be a number .*fractions\['image'\]='0.5'"),
        (0.5, "`fractions` must be a dict .* Received: fractions=0.5"),
        (["image"], r"`fractions` must be a dict .*fractions=\['image'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            drop_modalities(dataset, fractions)
    with pytest.raises(ValueError, match="`seed` must be an integer.*seed=None"):
        drop_modalities(dataset, {"image": 0.1}, seed=None)
    with pytest.raises(ValueError, match="before the samples are batched"):
        drop_modalities(batch_samples(dataset, 2), {"image": 0.1})
    images = dataset.map(lambda sample: {"image": sample["image"]})
    with pytest.raises(ValueError, match="no 'question' to drop"):
        drop_modalities(images, {"question": 0.1})
    with pytest.raises(TypeError, match="Expected a `tf.data.Dataset`"):
        drop_modalities([], {"image": 0.1})


def test_another_modality():
    rows = {"sensor": tf.ones([40, 3]), "question": ["what?"] * 40}
    data = tf.data.Dataset.from_tensor_slices(rows)
    known = (Sensor(), TextModality("question"))
    dropped = drop_modalities(data, {"sensor": 0.5}, modalities=known)
    sensor, present = columns(dropped, "sensor", "sensor_present")
    # 40 · 0.5 = 20, within four standard deviations, 4 · 3.2.
    assert abs(present.sum() - 20) < 13
    assert (sensor == present[:, np.newaxis]).all()
    with pytest.raises(
        ValueError, match="'image'; it may have 'sensor' and 'question'"
    ):
        drop_modalities(data, {"image": 0.5}, modalities=known)
    with pytest.raises(ValueError, match="before the samples are batched"):
        drop_modalities(data.batch(2), {"sensor": 0.5}, modalities=known)
