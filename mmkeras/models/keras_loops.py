"""Keras's loops of training, evaluation and prediction, on batches of a pipeline."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from mmkeras.data import Batches, SkippedSamples
from mmkeras.preprocessing.images.image_converter import REMEDY
from mmkeras.preprocessing.require import failed_requirement


def fit_batches(
    model: keras.Model,
    batches: Batches,
    validation: Batches | None,
    epochs: int,
    initial_epoch: int = 0,
    callbacks: Any = None,
    **kwargs: Any,
) -> keras.callbacks.History:
    """Runs `keras.Model.fit`.

    Args:
        model: a compiled model.
        batches: the training data.
        validation: the validation data, or `None`.
        epochs: int, the last epoch.
        initial_epoch: int, the number of completed epochs.
        callbacks: Keras callbacks, or `None`.
        **kwargs: other arguments of `keras.Model.fit`.

    Returns:
        The history, with the column `epoch_seconds`, and the numbers of skipped
        samples if samples may be skipped.

    Raises:
        ValueError: if a sample is invalid.
    """
    own = [_EpochSeconds()]
    records = [(batches.skipped, "training")]
    if validation is not None:
        kwargs["validation_data"] = validation.dataset
        records.append((validation.skipped, "validation"))
    if batches.skipped is not None:
        own.append(_CountSkipped(*(record for record, _ in records)))
    data = batches.dataset
    steps, runs = kwargs.get("steps_per_epoch"), max(1, epochs - initial_epoch)
    if steps is not None:
        _warn_of_short_epochs(steps, runs, batches.steps)
    elif _may_repeat(model, batches):
        # Keras sets up a dataset of one epoch twice for each, which takes seconds
        # where images are decoded.
        data, kwargs["steps_per_epoch"] = data.repeat(runs), batches.steps
    try:
        with _plain_errors(may_skip=True), _quiet_end_of_data():
            return keras.Model.fit(
                model,
                data,
                epochs=epochs,
                initial_epoch=initial_epoch,
                callbacks=[*own, *keras.tree.flatten(callbacks or [])],
                **{"shuffle": False, **kwargs},
            )
    finally:
        for record, purpose in records:
            if record is not None:
                record.warn(purpose)


def evaluate_batches(
    model: keras.Model, batches: Batches, steps: int | None, **kwargs: Any
) -> dict[str, float]:
    """Runs `keras.Model.evaluate`.

    Args:
        model: a compiled model.
        batches: the data.
        steps: int, an estimate of the number of batches for the progress bar, or
            `None`.
        **kwargs: other arguments of `keras.Model.evaluate`.

    Returns:
        dict of losses and metrics, with the number of skipped samples if samples may
        be skipped.

    Raises:
        ValueError: if a sample is invalid.
    """
    if kwargs.get("steps") is None:
        kwargs |= _progress_bar(model, batches.steps or steps, **kwargs)
    with _plain_errors(may_skip=True), _quiet_end_of_data():
        results = keras.Model.evaluate(
            model, batches.dataset, return_dict=True, **kwargs
        )
    if batches.skipped is not None:
        results[batches.skipped.column] = batches.skipped.count()
        batches.skipped.warn("the evaluation")
    return results


def predict_batches(model: keras.Model, batches: Batches, **kwargs: Any) -> Any:
    """Runs `keras.Model.predict`.

    Args:
        model: a model.
        batches: the data.
        **kwargs: other arguments of `keras.Model.predict`.

    Raises:
        ValueError: if a sample is invalid.
    """
    with _plain_errors(may_skip=False), _quiet_end_of_data():
        return keras.Model.predict(model, batches.dataset, **kwargs)


class _EpochSeconds(keras.callbacks.Callback):
    """Adds the duration of each epoch in seconds, validation included, to its logs.

    It must precede the callbacks that read the number.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["epoch_seconds"] = time.perf_counter() - self._start


class _CountSkipped(keras.callbacks.Callback):
    """Adds the number of skipped samples to the logs of each epoch.

    It must precede the callbacks that read the numbers.
    """

    def __init__(
        self, training: SkippedSamples, validation: SkippedSamples | None = None
    ):
        super().__init__()
        self._columns = {training.column: training}
        if validation is not None:
            self._columns[f"val_{validation.column}"] = validation

    def on_epoch_end(self, epoch, logs=None):
        if "loss" not in logs:
            key = next(iter(self._columns.values())).key
            raise ValueError(
                f"None of the {key}s can be used, so that there is nothing to train "
                "on. Convert them."
            )
        for name, skipped in self._columns.items():
            logs[name] = skipped.count()


@contextlib.contextmanager
def _plain_errors(may_skip: bool) -> Iterator[None]:
    """A scope in which an invalid sample raises an error with the reason alone.

    Args:
        may_skip: bool, whether the caller has `on_error="skip"`, which the error then
            mentions.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        message = failed_requirement(error)
        if message is None:
            raise
        if may_skip:
            message = message.replace(
                REMEDY, f"{REMEDY}, or skip them with on_error='skip'"
            )
        # The position in the graph says nothing about the sample.
        raise ValueError(message) from None


@contextlib.contextmanager
def _quiet_end_of_data() -> Iterator[None]:
    """A scope in which Keras does not warn of the end of data of unknown length."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        yield


def _warn_of_short_epochs(steps_per_epoch, epochs, steps) -> None:
    if steps and steps_per_epoch * epochs > steps and steps % steps_per_epoch:
        warnings.warn(
            f"The training dataset has {steps} batches, so that not all epochs have "
            f"steps_per_epoch={steps_per_epoch} steps. Remove `steps_per_epoch`, or "
            "apply `.repeat()` to the dataset.",
            stacklevel=4,
        )


def _may_repeat(model, batches) -> bool:
    """Whether the batches of all epochs may be one dataset."""
    return (
        batches.skipped is None
        and batches.steps is not None
        and batches.steps % getattr(model, "steps_per_execution", 1) == 0
        # Each worker has a part of the batches, and they end together or hang.
        and not isinstance(
            model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        )
    )


def _progress_bar(model, steps, verbose="auto", callbacks=None, **_) -> dict[str, Any]:
    """Callbacks with a progress bar that knows the number of steps.

    Keras is not given `steps`: it is only an estimate if samples are skipped.
    """
    if verbose == 0 or isinstance(callbacks, keras.callbacks.CallbackList):
        return {}
    return {
        "callbacks": keras.callbacks.CallbackList(
            callbacks,
            add_progbar=True,
            verbose=verbose,
            epochs=1,
            steps=steps,
            model=model,
        )
    }
