from __future__ import annotations

import contextlib
import re
from typing import Any

import tensorflow as tf

# The name by which `failed_requirement` recognises these assertions.
_NODE = "mmkeras_requirement"
_FAILED = re.compile(r"assertion failed: \[(.*)\]$", re.MULTILINE)


def require(condition: tf.Tensor, message: tf.Tensor) -> Any:
    """Opens a scope whose operations run only if a condition holds.

    The error message is readable both eagerly and in graph.

    Args:
        condition: bool scalar.
        message: string scalar.

    Returns:
        A context manager; in a graph it holds the control dependency.

    Raises:
        tf.errors.InvalidArgumentError: if the condition does not hold, with the
            message.

    Example:
        ```python
        with require(tf.size(images) > 0, "The batch is empty."):
            images = tf.identity(images)
        ```
    """
    if not tf.executing_eagerly():
        return tf.control_dependencies(
            [tf.debugging.Assert(condition, [message], name=_NODE)]
        )
    if not condition:
        text = tf.convert_to_tensor(message).numpy().decode("utf-8")
        error = tf.errors.InvalidArgumentError(None, None, text)
        # Without this mark Keras appends the arguments of the layer, here entire
        # encoded images, to the message.
        error._keras_call_info_injected = True
        raise error
    return contextlib.nullcontext()


def failed_requirement(error: tf.errors.InvalidArgumentError) -> str | None:
    """Extracts the message of `require` from an error raised by a graph.

    Args:
        error: the error that TensorFlow raised.

    Returns:
        The message, without TensorFlow's own text, or `None` if the error has another
        cause.
    """
    found = _FAILED.search(error.message)
    if found is None or _NODE not in error.message:
        return None
    # TensorFlow escapes non-ASCII text, e.g. in file names, as \345\233.
    escaped = found[1].encode("utf-8").decode("unicode_escape")
    return escaped.encode("latin-1").decode("utf-8", errors="replace")
