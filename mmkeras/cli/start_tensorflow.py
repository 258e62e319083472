from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

# Keras warns of any tf.data.Dataset, and of one of unknown length.
_EXPECTED_WARNINGS = ("`shuffle=True` was passed", "Your input ran out of data")


def start_tensorflow(debug: bool = False) -> None:
    """Import TensorFlow without its messages about the machine.

    Args:
        debug: bool, whether to show the messages.
    """
    if debug:
        return
    for message in _EXPECTED_WARNINGS:
        warnings.filterwarnings("ignore", message, UserWarning)
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silent_stderr():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    # TensorFlow 2.21 writes some lines from C++ before it reads
    # TF_CPP_MIN_LOG_LEVEL, so only the descriptor itself can be turned off.
    sys.stderr.flush()
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
