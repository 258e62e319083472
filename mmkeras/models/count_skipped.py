from __future__ import annotations

import keras

from mmkeras.data import SkippedSamples


class CountSkipped(keras.callbacks.Callback):
    """Adds the number of skipped samples to the logs of each epoch.

    It must precede the callbacks that read the numbers.

    Args:
        training: `SkippedSamples` of the training data.
        validation: `SkippedSamples` of the validation data, or `None`.
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
