"""Every task through the same list. A new task is tested by being added here."""

import copy
import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import GenerativeVisualQA, ImageCaptioner, VisualQA
from mmkeras.runtime import LiteRTCaptioner, LiteRTVisualQA
from tests.conftest import SIDE


@dataclasses.dataclass
class Case:
    """How a task is made from the dataset of `conftest`, and what it is asked."""

    make: Callable
    ask: Callable
    # From the outputs of `serving_default` to what `ask` returns.
    read: Callable
    # What answers from a LiteRT file.
    runner: type
    # What `serving_default` is given beside the pictures, for each of them.
    inputs: dict[str, str] = dataclasses.field(default_factory=dict)


def captioner(dataset, **kwargs):
    return ImageCaptioner.from_data(
        dataset, image_size=SIDE, hidden_dim=32, num_layers=1, seed=0, **kwargs
    )


QUESTION = "what colour is the background?"


def visual_qa(dataset, kind=VisualQA, **kwargs):
    return kind.from_data(
        dataset,
        image_size=SIDE,
        hidden_dim=32,
        num_encoder_layers=0,
        fusion="gated",
        seed=0,
        **kwargs,
    )


TASKS = {
    "image_captioner": Case(
        make=captioner,
        ask=lambda task, images: task.generate(images),
        read=lambda outputs: [text.decode() for text in outputs["caption"].numpy()],
        runner=LiteRTCaptioner,
    ),
    "visual_qa": Case(
        make=visual_qa,
        ask=lambda task, images: task.answer(images, QUESTION),
        read=lambda outputs: [text.decode() for text in outputs["answer"].numpy()],
        runner=LiteRTVisualQA,
        inputs={"question": QUESTION},
    ),
    "generative_visual_qa": Case(
        make=functools.partial(visual_qa, kind=GenerativeVisualQA),
        ask=lambda task, images: task.answer(images, QUESTION),
        read=lambda outputs: [text.decode() for text in outputs["answer"].numpy()],
        runner=LiteRTVisualQA,
        inputs={"question": QUESTION},
    ),
}


@pytest.fixture(params=TASKS, scope="module")
def case(request):
    return TASKS[request.param]


@pytest.fixture(scope="module")
def trained(case, dataset):
    task = case.make(dataset)
    losses = task.fit(dataset, epochs=6, batch_size=16, verbose=0).history["loss"]
    return task, losses


def test_fit_lowers_the_loss(trained):
    _, losses = trained
    assert losses[-1] < 0.9 * losses[0]


def test_config_round_trip(trained):
    task, _ = trained
    for part in (task.backbone, task.preprocessor.image_converter):
        config = keras.saving.serialize_keras_object(part)
        again = keras.saving.deserialize_keras_object(copy.deepcopy(config))
        assert keras.saving.serialize_keras_object(again)["config"] == config["config"]


def test_preset_round_trip(case, trained, images, tmp_path):
    task, _ = trained
    task.save_to_preset(tmp_path / "preset")
    again = type(task).from_preset(tmp_path / "preset")
    for a, b in zip(again.weights, task.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert case.ask(again, images[:8]) == case.ask(task, images[:8])


def test_saved_model(case, trained, images, tmp_path):
    task, _ = trained
    task.export(tmp_path / "1")
    serve = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    others = {name: tf.constant([text] * 6) for name, text in case.inputs.items()}
    pictures = tf.constant([*images[:4], b"bad", images[4]])
    outputs = serve(image_bytes=pictures, **others)
    good = [0, 1, 2, 3, 5]
    found = case.read(outputs)
    assert [found[i] for i in good] == case.ask(task, images[:5])
    errors = outputs["error"].numpy()
    assert [bool(error) for error in errors] == [i not in good for i in range(6)]


@pytest.mark.parametrize("precision", ["float32", "dynamic_int8"])
def test_litert(case, trained, images, tmp_path, precision):
    task, _ = trained
    samples = [(image, *case.inputs.values()) for image in images[:8]]
    samples = samples if case.inputs else images[:8]
    path = tmp_path / "task.tflite"
    report = task.export(path, format="litert", precision=precision, samples=samples)
    assert report["samples"] == 8
    ask = getattr(case.runner(path), "answer" if case.inputs else "caption")
    found = [ask(image, *case.inputs.values()) for image in images[:8]]
    wanted = case.ask(task, images[:8])
    same = sum(a == b for a, b in zip(found, wanted, strict=True))
    assert same >= (8 if precision == "float32" else 6)


def test_cached_features_train_as_pictures_do(case, dataset, tmp_path):
    histories = []
    for cached in (False, True):
        task = case.make(dataset, trainable_encoder=False, dropout=0.0)
        data = dataset
        if cached:
            data = task.cache_features(dataset, tmp_path, verbose=False)
        histories.append(
            task.fit(
                data, validation_data=data, epochs=2, batch_size=16, verbose=0
            ).history
        )
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-3)


def test_a_frozen_encoder_stays_frozen_and_its_features_are_found_again(
    case, dataset, tmp_path
):
    task = case.make(dataset, trainable_encoder=False)
    task.cache_features(dataset, tmp_path / "cache", verbose=False)
    task.save_to_preset(tmp_path / "preset")
    again = type(task).from_preset(tmp_path / "preset", compile=False)
    assert not again.backbone.image_encoder.trainable_weights
    again.cache_features(dataset, tmp_path / "cache", verbose=False)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_dataset_of_unknown_size_is_refused(trained, dataset):
    task, _ = trained
    with pytest.raises(ValueError, match="steps_per_epoch"):
        task.fit(dataset.filter(lambda sample: True), batch_size=16, verbose=0)


def test_it_predicts_without_being_compiled(case, trained, images, tmp_path):
    task, _ = trained
    task.save_to_preset(tmp_path / "preset")
    again = type(task).from_preset(tmp_path / "preset", compile=False)
    assert case.ask(again, images[:2]) == case.ask(task, images[:2])


def test_features_of_an_encoder_in_training_are_not_cached(trained, dataset, tmp_path):
    task, _ = trained
    with pytest.raises(ValueError, match="trainable_encoder=False"):
        task.cache_features(dataset, tmp_path)


def test_mixed_precision(case, dataset):
    task = case.make(dataset, dtype="mixed_bfloat16")
    losses = task.fit(dataset, epochs=3, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_mirrored_strategy(case, dataset):
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        task = case.make(dataset)
    history = task.fit(
        dataset, validation_data=dataset, epochs=3, batch_size=16, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    # On one device the trained weights must mean the same as on two.
    alone = case.make(dataset)
    alone.set_weights(task.get_weights())
    loss = alone.evaluate(dataset, batch_size=16, verbose=0)["loss"]
    assert loss == pytest.approx(history["val_loss"][-1], rel=1e-3)
