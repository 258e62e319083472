from __future__ import annotations

import keras

from mmkeras.data import SkippedImages


class CountSkipped(keras.callbacks.Callback):
    """Writes into the logs of each epoch how many pictures were left out.

    It must come before the callbacks that are to see the numbers.

    Args:
        training: `SkippedImages` of the training data.
        validation: the same of the validation data, or `None`.
    """

    def __init__(
        self, training: SkippedImages, validation: SkippedImages | None = None
    ):
        super().__init__()
        self._columns = {"skipped_images": training}
        if validation is not None:
            self._columns["val_skipped_images"] = validation

    def on_epoch_end(self, epoch, logs=None):
        if "loss" not in logs:
            raise ValueError(
                "None of the pictures can be used, so that there is nothing to train "
                "on. Convert them to JPEG or PNG."
            )
        for name, skipped in self._columns.items():
            logs[name] = skipped.count()
