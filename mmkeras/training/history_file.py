from __future__ import annotations

import json

import keras


class HistoryFile(keras.callbacks.Callback):
    """Writes the figures of each epoch as JSON, `{name: [figure of each epoch]}`.

    A run that goes on keeps the epochs before, and has `null` there for figures that
    it had not then.

    Args:
        path: `pathlib.Path` of the file.
    """

    def __init__(self, path):
        super().__init__()
        self._path = path
        self._columns = {}

    def on_train_begin(self, logs=None):
        if self._path.is_file():
            self._columns = json.loads(self._path.read_text("utf-8"))

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            column = self._columns.get(name, [])[:epoch]
            # A run that goes on with `on_error="skip"` has columns that it lacked.
            lacking = [None] * (epoch - len(column))
            self._columns[name] = [*column, *lacking, float(value)]
        self._path.write_text(json.dumps(self._columns, indent=2) + "\n", "utf-8")
