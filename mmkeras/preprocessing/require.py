"""One way to fail with a readable message, eagerly and in graph."""

import contextlib
from typing import Any

import tensorflow as tf

# By which `failed_requirement` tells our assertions from others.
NODE = "mmkeras_requirement"


def require(condition: tf.Tensor, message: tf.Tensor) -> Any:
    """A scope whose operations run only if a condition holds.

    Args:
        condition: Scalar `bool`.
        message: Scalar `tf.string`.

    Returns:
        A context manager; in a graph it holds the control dependency.

    Raises:
        tf.errors.InvalidArgumentError: If the condition does not hold, with the
            message.
    """
    if not tf.executing_eagerly():
        return tf.control_dependencies(
            [tf.debugging.Assert(condition, [message], name=NODE)]
        )
    if not condition:
        text = tf.convert_to_tensor(message).numpy().decode("utf-8")
        error = tf.errors.InvalidArgumentError(None, None, text)
        # Keras appends the arguments of the layer, here whole encoded pictures,
        # to the message of an error that lacks this mark.
        error._keras_call_info_injected = True
        raise error
    return contextlib.nullcontext()
