import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import cache_features


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
    return tf.data.Dataset.from_generator(lambda: rows, output_signature=spec)


class Encode:
    """Each picture's byte in `[batch, 2, 3]`, counting the pictures it sees."""

    def __init__(self):
        self.seen = tf.Variable(0)

    def __call__(self, batch):
        self.seen.assign_add(tf.shape(batch["image"])[0])
        bytes_ = tf.cast(tf.io.decode_raw(batch["image"], tf.uint8), tf.float32)
        error = tf.where(tf.equal(batch["image"], b"\xff"), "all white", "")
        return tf.ones([1, 2, 3]) * bytes_[:, tf.newaxis], error


def cache(folder, data, identity="a"):
    encode = Encode()
    made = cache_features(data, encode, identity, folder, batch_size=2, verbose=False)
    return made, int(encode.seen)


def test_features_take_the_place_of_pictures(tmp_path):
    made, _ = cache(tmp_path, samples())
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
    assert cache(tmp_path, samples())[1] == 5
    assert cache(tmp_path, samples())[1] == 0
    assert cache(tmp_path, samples(), identity="b")[1] == 5
    assert cache(tmp_path, samples(value=1))[1] == 5
    assert len(list(tmp_path.iterdir())) == 3


def test_what_was_interrupted_is_not_taken_for_whole(tmp_path):
    def fail(batch):
        tf.debugging.assert_less(tf.strings.to_number(batch["image_id"]), 3.0)
        return tf.zeros([2, 2, 3]), tf.fill([2], "")

    with pytest.raises(tf.errors.InvalidArgumentError):
        cache_features(samples(), fail, "a", tmp_path, batch_size=2, verbose=False)
    assert list(tmp_path.iterdir()) == []
    assert cache(tmp_path, samples())[1] == 5


def test_bad_pictures_are_refused_or_left_out(tmp_path):
    # The bytes 253, 254, and 255, which `Encode` does not take.
    data, options = samples(3, value=253), {"batch_size": 2, "verbose": False}
    with pytest.raises(ValueError, match="all images: 2: all white. Replace these"):
        cache_features(data, Encode(), "a", tmp_path, **options)
    options["on_error"] = "skip"
    message = "1 of 3 images could not be used and were left out of the features"
    # The second reads what the first has written.
    for _ in range(2):
        with pytest.warns(UserWarning, match=f"{message}: 2: all white."):
            made = cache_features(data, Encode(), "a", tmp_path, **options)
        assert int(made.cardinality()) == 2
        assert "image_error" not in made.element_spec
        assert [row["image_id"].numpy() for row in made] == [b"0", b"1"]
    bad = samples(1, value=255)
    with pytest.raises(ValueError, match="None of the 1 images can be used: 0: all"):
        cache_features(bad, Encode(), "a", tmp_path, **options)
    with pytest.raises(ValueError, match="`on_error` must be 'raise' or 'skip'"):
        cache_features(data, Encode(), "a", tmp_path, on_error="ignore")


def test_bad_pictures_are_kept_with_what_is_wrong(tmp_path):
    data, options = samples(3, value=253), {"batch_size": 2, "verbose": False}
    made = cache_features(data, Encode(), "a", tmp_path, on_error="keep", **options)
    assert int(made.cardinality()) == 3
    rows = list(made.as_numpy_iterator())
    assert [row["image_error"] for row in rows] == [b"", b"", b"all white"]
    assert [row["image_id"] for row in rows] == [b"0", b"1", b"2"]


def test_whether_a_picture_is_present_reaches_the_encoder(tmp_path):
    def present(sample):
        return {**sample, "image_present": tf.not_equal(sample["image_id"], "2")}

    def encode(batch):
        features = tf.cast(batch["image_present"], tf.float32)
        return tf.ones([1, 2, 3]) * features[:, tf.newaxis, tf.newaxis], tf.fill(
            tf.shape(features), ""
        )

    made = cache_features(
        samples().map(present), encode, "a", tmp_path, batch_size=2, verbose=False
    )
    found = [float(row["image_features"][0, 0]) for row in made]
    assert found == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert [bool(row["image_present"]) for row in made] == [
        value == 1.0 for value in found
    ]


def test_unusable_datasets(tmp_path):
    with pytest.raises(ValueError, match="before it is batched"):
        cache(tmp_path, samples().ragged_batch(2))
    with pytest.raises(ValueError, match="no samples"):
        cache(tmp_path, samples(0))
    with pytest.raises(ValueError, match="key 'image'"):
        cache(tmp_path, samples().map(lambda s: {"captions": s["captions"]}))
