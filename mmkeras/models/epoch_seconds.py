from __future__ import annotations

import time

import keras


class EpochSeconds(keras.callbacks.Callback):
    """Writes into the logs of each epoch how long it took, validation included.

    It must come before the callbacks that are to see the number.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["epoch_seconds"] = time.perf_counter() - self._start
