import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import FeatureCache
from tests.data.toy_modalities import Byte, Sensor


def samples(number=5, value=0):
    rows = [
        {"image": bytes([i + value]), "image_id": str(i), "captions": ["a"] * (1 + i)}
        for i in range(number)
    ]
    spec = {
        "image": tf.TensorSpec([], tf.string),
        "image_id": tf.TensorSpec([], tf.string),
        "captions": tf.TensorSpec([None], tf.string),
    }
    dataset = tf.data.Dataset.from_generator(lambda: rows, output_signature=spec)
    return dataset.apply(tf.data.experimental.assert_cardinality(number))


class Encoder(keras.layers.Layer):
    """Each value in `[batch, 2, 3]`, counting the samples it sees."""

    def __init__(self, mark="a", **kwargs):
        super().__init__(**kwargs)
        self.mark = mark
        self.seen = tf.Variable(0, trainable=False)
        self.built = True

    def call(self, inputs):
        self.seen.assign_add(tf.shape(inputs)[0])
        return tf.ones([1, 2, 3]) * inputs[:, tf.newaxis, :1]

    def get_config(self):
        return {"mark": self.mark}


def cached(folder, data, mark="a", modality=None, **options):
    """The dataset with features, and how many samples were encoded for it."""
    encoder = Encoder(mark)
    cache = FeatureCache(encoder, modality or Byte(), folder)
    made = cache.features(data, batch_size=2, verbose=False, **options)
    return made, int(encoder.seen)


def test_features_replace_values(tmp_path):
    made, _ = cached(tmp_path, samples())
    assert int(made.cardinality()) == 5
    assert made.element_spec["image_features"].shape == (2, 3)
    for _ in range(2):
        rows = list(made)
        assert [row["image_id"].numpy() for row in rows] == [
            b"0",
            b"1",
            b"2",
            b"3",
            b"4",
        ]
        assert [len(row["captions"]) for row in rows] == [1, 2, 3, 4, 5]
        np.testing.assert_array_equal(rows[3]["image_features"], np.full((2, 3), 3.0))
        assert all(
            row.keys() == {"image_id", "captions", "image_features"} for row in rows
        )


def test_they_are_computed_once_for_the_same_encoder_and_data(tmp_path):
    assert cached(tmp_path, samples())[1] == 5
    assert cached(tmp_path, samples())[1] == 0
    assert cached(tmp_path, samples(), mark="b")[1] == 5
    assert cached(tmp_path, samples(value=1))[1] == 5
    assert len(list(tmp_path.iterdir())) == 3


def test_files_of_another_version_are_not_read(tmp_path, capsys, monkeypatch):
    assert cached(tmp_path, samples())[1] == 5
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / path.name.replace(".v3.", ".v2."))
    cache = FeatureCache(Encoder(), Byte(), tmp_path)
    cache.features(samples(), verbose=True)
    assert int(cache.encoder.seen) == 5
    notices = [line for line in capsys.readouterr().out.splitlines() if ".v2." in line]
    assert len(notices) == 1 and "written by another version" in notices[0]
    assert cached(tmp_path, samples())[1] == 0


def test_an_incomplete_file_is_not_read(tmp_path):
    class Fails(Encoder):
        def call(self, inputs):
            with tf.control_dependencies(
                [tf.debugging.assert_less(inputs, tf.constant(3.0))]
            ):
                return super().call(inputs)

    cache = FeatureCache(Fails(), Byte(), tmp_path)
    with pytest.raises(tf.errors.InvalidArgumentError):
        cache.features(samples(), batch_size=2, verbose=False)
    assert list(tmp_path.iterdir()) == []
    assert cached(tmp_path, samples())[1] == 5


def test_bad_values_are_refused_or_skipped(tmp_path):
    # The bytes 253, 254, and 255, which cannot be decoded.
    data = samples(3, value=253)
    with pytest.raises(ValueError, match="all images: 2: all white. Replace these"):
        cached(tmp_path, data)
    message = "1 of 3 images could not be used and were left out of the features"
    # The second time reads what the first has written.
    for _ in range(2):
        with pytest.warns(UserWarning, match=f"{message}: 2: all white."):
            made, _ = cached(tmp_path, data, on_error="skip")
        assert int(made.cardinality()) == 2
        assert "image_error" not in made.element_spec
        assert [row["image_id"].numpy() for row in made] == [b"0", b"1"]
    with pytest.raises(ValueError, match="None of the 1 images can be used: 0: all"):
        cached(tmp_path, samples(1, value=255), on_error="skip")
    with pytest.raises(ValueError, match="`on_error` must be 'raise', 'skip' or 'ke"):
        cached(tmp_path, data, on_error="ignore")


def test_values_without_ids_are_numbered(tmp_path):
    def without_id(sample):
        return {"image": sample["image"]}

    data = samples(3, value=253).map(without_id)
    with pytest.raises(ValueError, match="all images: image 2: all white"):
        cached(tmp_path, data)
    with pytest.warns(UserWarning, match="features: image 2: all white"):
        cached(tmp_path, data, on_error="skip")


def test_bad_values_are_kept_with_their_errors(tmp_path):
    made, _ = cached(tmp_path, samples(3, value=253), on_error="keep")
    assert int(made.cardinality()) == 3
    rows = list(made.as_numpy_iterator())
    assert [row["image_error"] for row in rows] == [b"", b"", b"all white"]
    assert [row["image_id"] for row in rows] == [b"0", b"1", b"2"]


def sensors(number=4, bad=()):
    rows = [[-1.0 if i in bad else float(i)] * 3 for i in range(number)]
    return tf.data.Dataset.from_tensor_slices(
        {"sensor": rows, "sensor_id": [f"s{i}" for i in range(number)]}
    )


def test_another_modality(tmp_path):
    made, _ = cached(tmp_path, sensors(), modality=Sensor())
    assert made.element_spec.keys() == {"sensor_id", "sensor_features"}
    # `Sensor.decode` doubles.
    assert [float(row["sensor_features"][0, 0]) for row in made] == [0, 2, 4, 6]
    with pytest.raises(ValueError, match="made of all sensors: s1: negative"):
        cached(tmp_path, sensors(bad=[1]), modality=Sensor())
    made, _ = cached(tmp_path, sensors(bad=[1]), modality=Sensor(), on_error="keep")
    errors = [row["sensor_error"].numpy() for row in made]
    assert errors == [b"", b"negative", b"", b""]


def test_missing_values_of_an_optional_modality_are_no_errors(tmp_path):
    def present(sample):
        return {**sample, "sensor_present": tf.not_equal(sample["sensor_id"], "s1")}

    data = sensors(bad=[1]).map(present)
    made, _ = cached(tmp_path, data, modality=Sensor(optional=True))
    assert [bool(row["sensor_present"]) for row in made] == [True, False, True, True]
    with pytest.raises(ValueError, match="s1: negative"):
        cached(tmp_path, data, modality=Sensor())


def test_unusable_datasets(tmp_path):
    with pytest.raises(ValueError, match="before it is batched"):
        cached(tmp_path, samples().ragged_batch(2))
    with pytest.raises(ValueError, match="no samples"):
        cached(tmp_path, samples(0))
    with pytest.raises(ValueError, match="key 'image'"):
        cached(tmp_path, samples().map(lambda s: {"captions": s["captions"]}))


def test_a_trainable_encoder_is_refused(tmp_path):
    encoder = keras.layers.Dense(2)
    encoder.build((None, 1))
    with pytest.raises(ValueError, match="image encoder is trainable"):
        FeatureCache(encoder, Byte(), tmp_path).features(samples())
    assert not FeatureCache(encoder, Byte(), tmp_path).suits(samples())


def changed(dataset):
    random = tf.random.Generator.from_non_deterministic_state()

    def change(sample):
        letter = tf.strings.as_string(random.uniform([], 0, 9, tf.int32))
        return {**sample, "image": letter}

    return dataset.map(change)


def test_which_datasets_suit(tmp_path):
    cache = FeatureCache(Encoder(), Byte(), tmp_path)
    assert cache.suits(samples(64))
    for other in (
        changed(samples(64)),
        samples(64).shuffle(64),
        samples(64).filter(lambda sample: True),
        samples(64).ragged_batch(8),
        cached(tmp_path, samples())[0],
    ):
        assert not cache.suits(other)


def test_features_that_do_not_fit_on_the_disk(tmp_path, monkeypatch):
    cache = FeatureCache(Encoder(), Byte(), tmp_path)
    # 5 samples of float32 [2, 3].
    needed = 5 * 4 * 2 * 3
    for free, expected in ((2 * needed, False), (2 * needed + 2, True)):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda path, usage=usage: usage)
        assert cache.suits(samples()) == expected
