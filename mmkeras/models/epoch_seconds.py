from __future__ import annotations

import time

import keras


class EpochSeconds(keras.callbacks.Callback):
    """Adds the duration of each epoch, validation included, to its logs, in seconds.

    It must precede the callbacks that read the number.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["epoch_seconds"] = time.perf_counter() - self._start
