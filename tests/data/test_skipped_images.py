import warnings

import pytest
import tensorflow as tf

from mmkeras.data import SkippedImages, number_samples


def batches(errors, size=2):
    """Rows 0, 1, …, those with an error left out, as a task makes them."""
    number = len(errors)
    rows = tf.data.Dataset.from_tensor_slices(
        (tf.range(number), {"error": errors, "name": [f"n{i}" for i in range(number)]})
    ).enumerate()

    def report(picture, row):
        values, about = row
        good = tf.equal(about["error"], "")
        return tf.boolean_mask(values, good), {**about, "picture": picture}

    return rows.batch(size).map(report)


def test_batches_are_filled_up_again():
    skipped = SkippedImages()
    data = skipped.drop(batches(["", "bad", "", "", "worse", "bad", "", ""]), 2)
    for _ in range(2):
        assert [row.numpy().tolist() for row in data] == [[0, 2], [3, 6], [7]]
        assert skipped.count() == 3
    with pytest.warns(UserWarning, match="^3 images .* training: n1: bad; n4: worse;"):
        skipped.warn("training")


def test_without_a_batch_size_batches_keep_their_rows():
    data = SkippedImages().drop(batches(["", "bad", "bad", "bad", "", ""]))
    assert [row.numpy().tolist() for row in data] == [[0], [4, 5]]


def test_a_pass_that_is_given_up_does_not_count():
    skipped = SkippedImages()
    data = skipped.drop(batches(["bad", "", "bad", ""]), 1)
    next(iter(data))
    assert len(list(data)) == 2
    assert skipped.count() == 2
    assert skipped.count() == 0


def test_no_bad_picture_is_no_warning():
    skipped = SkippedImages()
    list(skipped.drop(batches(["", ""]), 2))
    assert skipped.count() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skipped.warn("training")


def test_samples_are_numbered_batched_or_not():
    data = tf.data.Dataset.from_tensor_slices({"image": ["a"] * 5})
    single = [int(row["sample_number"]) for row in number_samples(data)]
    assert single == [0, 1, 2, 3, 4]
    rows = [row["sample_number"].numpy() for row in number_samples(data.batch(2))]
    assert [row.tolist() for row in rows] == [[0, 1], [2, 3], [4]]
