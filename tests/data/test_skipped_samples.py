import warnings

import pytest
import tensorflow as tf

from mmkeras.data import SkippedSamples


def batches(errors, size=2):
    """Rows 0, 1, … without those with an error, and a report of all."""
    number = len(errors)
    rows = tf.data.Dataset.from_tensor_slices(
        (tf.range(number), {"error": errors, "name": [f"n{i}" for i in range(number)]})
    ).enumerate()

    def report(number, row):
        values, about = row
        good = tf.equal(about["error"], "")
        return tf.boolean_mask(values, good), {**about, "number": number}

    return rows.batch(size).map(report)


def test_batches_are_filled_up_again():
    skipped = SkippedSamples()
    data = skipped.drop(batches(["", "bad", "", "", "worse", "bad", "", ""]), 2)
    for _ in range(2):
        assert [row.numpy().tolist() for row in data] == [[0, 2], [3, 6], [7]]
        assert skipped.count() == 3
    with pytest.warns(UserWarning, match="^3 images .* training: n1: bad; n4: worse;"):
        skipped.warn("training")


def test_without_a_batch_size_batches_keep_their_rows():
    data = SkippedSamples().drop(batches(["", "bad", "bad", "bad", "", ""]))
    assert [row.numpy().tolist() for row in data] == [[0], [4, 5]]


def test_an_incomplete_pass_is_not_counted():
    skipped = SkippedSamples()
    data = skipped.drop(batches(["bad", "", "bad", ""]), 1)
    next(iter(data))
    assert len(list(data)) == 2
    assert skipped.count() == 2
    assert skipped.count() == 0


def test_there_is_no_warning_without_skipped_samples():
    skipped = SkippedSamples()
    list(skipped.drop(batches(["", ""]), 2))
    assert skipped.count() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skipped.warn("training")


def test_another_modality_is_named():
    skipped = SkippedSamples("sensor")
    list(skipped.drop(batches(["bad", ""]), 2))
    assert skipped.column == "skipped_sensors"
    with pytest.warns(UserWarning, match="^1 sensors .* evaluation: n0: bad.$"):
        skipped.warn("the evaluation")
