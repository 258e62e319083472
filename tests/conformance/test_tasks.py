"""Every registered task through the same tests, those of installed plugins too.

A task is tested by being registered: its `TaskSpec` says how to make a tiny one, and
what it predicts from. The samples of `conftest` must have its inputs and targets.
"""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import Task, task_specs
from tests.presets import BATCH_SIZE, tiny, validation

SPECS = task_specs()


@pytest.fixture(params=SPECS, scope="module")
def spec(request):
    return SPECS[request.param]


@pytest.fixture(scope="module")
def trained(spec, presets):
    return presets.load(spec.name)


@pytest.fixture(scope="module")
def samples(spec, scenes):
    """The inputs of the task, with the first of several texts."""
    return [
        {key: value if key == "image" else value[0] for key, value in row.items()}
        for row in ({key: scene[key] for key in spec.inputs} for scene in scenes[:8])
    ]


@pytest.fixture(scope="module")
def predictions(trained, samples):
    return trained.predict_samples(samples)


def frozen(spec, dataset):
    """A task whose image encoder is not trained."""
    if "trainable_encoder" not in spec.load_run().names():
        pytest.skip(f"{spec.class_name} has no setting `trainable_encoder`.")
    return tiny(spec, dataset, trainable_encoder=False, dropout=0.0)


@pytest.fixture(scope="module")
def features(spec, dataset, tmp_path_factory):
    """A task with a frozen encoder, the folder of its features, and their dataset."""
    task, folder = frozen(spec, dataset), tmp_path_factory.mktemp("features")
    return task, folder, task.cache_features(dataset, folder, verbose=False)


def test_training_lowers_the_loss(spec, presets):
    losses = presets.history(spec.name)["loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_trained_weights_are_in_the_preset(spec, trained, presets, dataset):
    results = trained.evaluate(
        validation(dataset), batch_size=BATCH_SIZE, evaluators=None, verbose=0
    )
    wanted = presets.history(spec.name)["val_loss"][-1]
    assert results["loss"] == pytest.approx(wanted, rel=1e-4)


def test_config_round_trip(trained):
    for part in (trained.backbone, trained.preprocessor.image_converter):
        config = keras.saving.serialize_keras_object(part)
        again = keras.saving.deserialize_keras_object(copy.deepcopy(config))
        assert keras.saving.serialize_keras_object(again)["config"] == config["config"]


def test_preset_round_trip(trained, samples, predictions, tmp_path):
    trained.save_to_preset(tmp_path / "preset")
    # Uncompiled, it predicts the same.
    again = Task.from_preset(tmp_path / "preset", compile=False)
    assert type(again) is type(trained)
    for found, wanted in zip(again.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert again.predict_samples(samples) == predictions


def served(row, like):
    """A row of the output of `serving_default`, in the form of a prediction."""
    if isinstance(row, bytes):
        return row.decode()
    return type(like)(text.decode() for text in row if text)


def test_saved_model(spec, presets, samples, predictions):
    model = tf.saved_model.load(str(presets.saved_model(spec.name)))
    serve = model.signatures["serving_default"]
    rows = [*samples[:4], {**samples[4], "image": b"bad"}, samples[4]]
    names = {"image": "image_bytes"}
    outputs = serve(
        **{
            names.get(key, key): tf.constant([row[key] for row in rows])
            for key in spec.inputs
        }
    )
    found = list(outputs[spec.output].numpy())
    bad = found.pop(4)
    assert list(map(served, found, predictions[:5])) == predictions[:5]
    assert not served(bad, predictions[0])
    assert [bool(error) for error in outputs["error"].numpy()] == [0, 0, 0, 0, 1, 0]


def test_litert(spec, trained, samples, predictions, tmp_path):
    if spec.runner is None:
        pytest.skip(f"{spec.class_name} has no LiteRT form.")
    path = tmp_path / "task.tflite"
    report = trained.export(path, format="litert", samples=samples)
    assert report["samples"] == len(samples) and report["identical"] == 1
    run = getattr(spec.load_runner()(path), spec.output)
    assert [run(*sample.values()) for sample in samples] == predictions


def test_cached_features_train_as_images_do(spec, features, dataset):
    losses = []
    for data in (dataset, features[2]):
        task = frozen(spec, dataset)
        # One step after another: tracing them would take the most time.
        task.compile("sgd", run_eagerly=True)
        history = task.fit(data.take(16), batch_size=8, verbose=0).history
        losses.append(history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)


def test_a_frozen_encoder_stays_frozen_and_finds_its_features(
    features, dataset, tmp_path
):
    task, folder, _ = features
    task.save_to_preset(tmp_path)
    again = Task.from_preset(tmp_path, compile=False)
    assert not again.backbone.image_encoder.trainable_weights
    again.cache_features(dataset, folder, verbose=False)
    assert len(list(folder.iterdir())) == 1


def test_features_of_a_trainable_encoder_are_not_cached(trained, dataset, tmp_path):
    with pytest.raises(ValueError, match="trainable_encoder=False"):
        trained.cache_features(dataset, tmp_path)


def test_a_dataset_of_unknown_size_is_refused(trained, dataset):
    with pytest.raises(ValueError, match="steps_per_epoch"):
        trained.fit(dataset.filter(lambda sample: True), batch_size=16, verbose=0)


def test_mixed_precision(spec, dataset):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        task = tiny(spec, dataset)
    finally:
        keras.config.set_dtype_policy("float32")
    assert task.backbone.image_encoder.compute_dtype == "bfloat16"
    losses = task.fit(dataset, epochs=3, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_mirrored_strategy(spec, dataset):
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        task = tiny(spec, dataset)
        # Traced in half the time of the default optimizer.
        task.compile("adam")
    history = task.fit(
        dataset,
        validation_data=dataset.take(16),
        validation_freq=3,
        epochs=3,
        batch_size=16,
        verbose=0,
    ).history
    assert history["loss"][-1] < history["loss"][0]
    # On one device the weights have the same loss, on batches as large as those of
    # each of the two.
    alone = tiny(spec, dataset)
    alone.set_weights(task.get_weights())
    results = alone.evaluate(dataset.take(16), batch_size=8, evaluators=None, verbose=0)
    assert results["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-3)
