"""Samples to batches, with a modality that the pipeline does not know."""

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import SamplePipeline
from mmkeras.data.decode_samples import decode_samples
from tests.data.toy_modalities import Byte, Sensor


class Preprocessor:
    """Decoded values, and the target of each row."""

    modalities = (Sensor(),)

    def __call__(self, batch):
        decoded = decode_samples(batch, self.modalities).batch
        return decoded["sensors"], decoded["label"]


def samples(number=7, bad=()):
    rows = [[-1.0 if i in bad else float(i)] * 3 for i in range(number)]
    return tf.data.Dataset.from_tensor_slices(
        {"sensor": rows, "label": list(range(number))}
    )


def labels(batches):
    return [label.numpy().tolist() for _, label in batches.dataset]


def test_evaluation_keeps_the_order():
    batches = SamplePipeline(Preprocessor(), 3).evaluation(samples())
    assert labels(batches) == [[0, 1, 2], [3, 4, 5], [6]]
    assert batches.steps == 3 and batches.skipped is None
    values, _ = next(iter(batches.dataset))
    # `Sensor.decode` doubles.
    np.testing.assert_array_equal(values[:, 0], [0, 2, 4])


def test_training_shuffles_by_the_seed():
    pipeline = SamplePipeline(Preprocessor(), 3)
    passes = [labels(pipeline.training(samples(), seed=seed)) for seed in (0, 0, 1)]
    assert passes[0] == passes[1] != passes[2]
    assert sorted(sum(passes[0], [])) == list(range(7))
    # Another order at each pass.
    batches = pipeline.training(samples(64))
    assert labels(batches) != labels(batches)
    with pytest.raises(ValueError, match="training dataset has no samples"):
        pipeline.training(samples().take(0))


@pytest.mark.parametrize(
    ("refill", "expected"),
    [(True, [[0, 2, 3], [5, 6]]), (False, [[0, 2], [3, 5], [6]])],
)
def test_unreadable_samples_are_skipped(refill, expected):
    pipeline = SamplePipeline(Preprocessor(), 3, "skip", refill=refill)
    batches = pipeline.evaluation(samples(bad=[1, 4]))
    assert labels(batches) == expected
    assert batches.skipped.count() == 2 and batches.steps == 3
    with pytest.warns(UserWarning, match="2 sensors .* sensor 1: negative; sensor 4"):
        batches.skipped.warn("the evaluation")


def test_given_batches_keep_their_rows():
    pipeline = SamplePipeline(Preprocessor(), 3, "skip")
    batches = pipeline.evaluation(samples(bad=[1, 4]).batch(4))
    assert labels(batches) == [[0, 2, 3], [5, 6]]


def test_hooks():
    def draw(batches, seed):
        return batches.map(lambda batch: {**batch, "label": batch["label"] + seed})

    def expand(dataset):
        return dataset.flat_map(lambda row: tf.data.Dataset.from_tensors(row).repeat(2))

    def finish(batches):
        return batches.map(lambda values, label: (values, -label))

    pipeline = SamplePipeline(
        Preprocessor(), 2, draw=draw, expand=expand, finish=finish
    )
    drawn = labels(pipeline.training(samples(4), seed=10))
    assert sorted(sum(drawn, [])) == [-13, -12, -11, -10]
    evaluated = pipeline.evaluation(samples(2))
    assert labels(evaluated) == [[0, 0], [-1, -1]]
    assert evaluated.steps is None


def test_rows_of_a_sample_are_counted_once():
    def expand(dataset):
        return dataset.flat_map(lambda row: tf.data.Dataset.from_tensors(row).repeat(2))

    pipeline = SamplePipeline(Preprocessor(), 2, "skip", expand=expand)
    batches = pipeline.evaluation(samples(3, bad=[1]))
    assert labels(batches) == [[0, 0], [2, 2]]
    assert batches.skipped.count() == 1


def test_errors_of_several_modalities():
    batch = {
        "sensor": tf.constant([[1.0] * 3, [-1.0] * 3, [1.0] * 3, [-1.0] * 3]),
        "image": tf.constant([b"a", b"b", b"\xff", b"\xff"]),
        "sensor_id": tf.constant(["p", "q", "r", "s"]),
    }
    decoded, errors, names = decode_samples(batch, (Sensor(), Byte()))
    assert errors.numpy().tolist() == [b"", b"negative", b"all white", b"negative"]
    assert names.numpy().tolist() == [b"p", b"q", b"r", b"s"]
    assert decoded.keys() == {"sensors", "images", "sensor_id"}
    del batch["sensor_id"]
    names = decode_samples(batch, (Sensor(),)).names
    assert names.numpy()[1] == b"row 1"
    with pytest.raises(ValueError, match="must have the key 'sensor'"):
        decode_samples({"image": batch["image"]}, (Sensor(),))


def test_bad_arguments():
    with pytest.raises(ValueError, match="`on_error` must be 'raise' or 'skip'"):
        SamplePipeline(Preprocessor(), on_error="ignore")
    with pytest.raises(TypeError, match="Expected a `tf.data.Dataset`"):
        SamplePipeline(Preprocessor()).evaluation([])
    with pytest.raises(ValueError, match="with the key 'sensor'"):
        SamplePipeline(Preprocessor()).training(tf.data.Dataset.range(3))
