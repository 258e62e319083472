import math
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import ImageCaptioner, VisualQA
from tests.conftest import SIDE


@pytest.fixture(scope="module")
def vqa(dataset):
    vqa = VisualQA.from_data(
        dataset, image_size=SIDE, hidden_dim=16, num_encoder_layers=0, fusion="gated"
    )
    return vqa


@pytest.fixture
def traces(vqa, monkeypatch):
    """A list that grows with each trace of the training step."""
    traces, step = [], vqa.train_step
    monkeypatch.setattr(
        vqa, "train_step", lambda data: (traces.append(1), step(data))[1]
    )
    vqa.train_function = None
    return traces


def test_fit_keeps_the_optimizer_and_traces_once(vqa, dataset, traces):
    optimizer, options = vqa.optimizer, {"batch_size": 4, "verbose": 0}
    vqa.fit(dataset.take(4), epochs=3, **options)
    number = len(traces)
    # Other data and another number of steps.
    vqa.fit(dataset.skip(4).take(4), epochs=1, **options)
    assert vqa.optimizer is optimizer
    assert len(traces) == number == 1


class Rates(keras.callbacks.Callback):
    """Records the learning rate of each step."""

    def __init__(self, rates):
        super().__init__()
        self.rates = rates

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def test_each_fit_has_a_schedule(vqa, dataset):
    rates = []
    for epochs in (2, 1):
        rates.clear()
        vqa.fit(
            dataset.take(16),
            epochs=epochs,
            batch_size=4,
            verbose=0,
            callbacks=[Rates(rates)],
        )
        # 4 steps an epoch, the first of which warms up to 2e-3.
        steps = 4 * epochs
        down = [math.pi * (step - 1) / (steps - 1) for step in range(1, steps)]
        expected = [0.0, *(1e-3 * (1 + math.cos(x)) for x in down)]
        np.testing.assert_allclose(rates, expected, rtol=1e-4, atol=1e-9)


def test_other_variables_get_another_optimizer(dataset):
    vqa = VisualQA.from_data(
        dataset, image_size=SIDE, hidden_dim=8, num_encoder_layers=0, fusion="gated"
    )
    vqa.fit(dataset.take(4), batch_size=4, verbose=0)
    before = vqa.optimizer
    vqa.enable_lora(2, parts=["head"])
    history = vqa.fit(dataset.take(4), batch_size=4, verbose=0).history
    assert vqa.optimizer is not before
    assert np.isfinite(history["loss"]).all()


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_an_interrupted_schedule_is_resumed(vqa, dataset, tmp_path):
    data, rates = dataset.take(8), []

    def fit(*callbacks, **options):
        backup = keras.callbacks.BackupAndRestore(str(tmp_path))
        callbacks = [backup, Rates(rates), *callbacks]
        vqa.fit(data, epochs=3, batch_size=4, verbose=0, callbacks=callbacks, **options)

    with pytest.raises(KeyboardInterrupt):
        fit(Interrupt())
    # Trained in the meantime, as if the process had gone on.
    vqa.fit(data, batch_size=4, verbose=0)
    start = len(rates)
    fit()
    # Keras would begin there in every later `fit`, too.
    vqa._initial_epoch = None
    # 6 steps: one up, and 5 down.
    down = [1e-3 * (1 + math.cos(math.pi * step / 5)) for step in range(5)]
    expected = [0.0, *down]
    np.testing.assert_allclose(rates[:2], expected[:2], atol=1e-9)
    np.testing.assert_allclose(rates[start:], expected[2:], rtol=1e-4, atol=1e-9)


def test_nothing_alarms_a_newcomer(vqa, dataset, capsys):
    data = dataset.take(8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        vqa.fit(data, validation_data=data, epochs=2, batch_size=4)
        vqa.evaluate(data, batch_size=4)
        vqa.evaluate(data, batch_size=4, on_error="skip")
        vqa.predict(data.filter(lambda sample: True), batch_size=4, verbose=0)
    assert "Unknown" not in capsys.readouterr().out


def test_captions_are_counted_for_the_progress_bar(dataset, capsys):
    captioner = ImageCaptioner.from_data(
        dataset, image_size=SIDE, hidden_dim=8, num_layers=1
    )
    captioner.compile("sgd", weighted_metrics=None)
    data = dataset.take(3).map(
        lambda s: {"image": s["image"], "captions": s["captions"]}
    )
    number = sum(len(sample["captions"]) for sample in data)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        captioner.evaluate(data, batch_size=2)
    assert f"{-(-number // 2)}/{-(-number // 2)}" in capsys.readouterr().out
    assert captioner.preprocessor.count_captions(data) == number
    assert captioner.preprocessor.count_captions(data.ragged_batch(2)) == number


def test_too_few_data_for_the_steps_asked_for(vqa, dataset):
    options = {"batch_size": 4, "epochs": 2, "verbose": 0}
    with pytest.warns(UserWarning, match="has 3 batches, .* steps_per_epoch=2 steps"):
        vqa.fit(dataset.take(12), steps_per_epoch=2, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        vqa.fit(dataset.take(16), steps_per_epoch=2, **options)


def test_a_dataset_is_set_up_once_for_all_epochs(vqa, dataset, monkeypatch):
    started = []
    iterate = tf.data.Dataset.__iter__

    def counted(data):
        started.append(data)
        return iterate(data)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", counted)
    numbers = []
    for epochs in (1, 3):
        started.clear()
        vqa.fit(dataset.take(8), epochs=epochs, batch_size=4, verbose=0)
        numbers.append(len(started))
    assert numbers[0] == numbers[1]


def test_an_epoch_ends_where_the_dataset_does(vqa, dataset):
    before = int(vqa.optimizer.iterations.numpy())
    # 7 in batches of 3: the last one is not filled up from the next epoch.
    data = dataset.take(7)
    history = vqa.fit(data, epochs=2, batch_size=3, verbose=0)
    assert history.params["steps"] == 3
    assert int(vqa.optimizer.iterations.numpy()) - before == 6
