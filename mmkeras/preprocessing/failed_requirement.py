"""The message of a requirement that failed in a graph, without TensorFlow's own."""

import re

import tensorflow as tf

from mmkeras.preprocessing.require import NODE

_FAILED = re.compile(r"assertion failed: \[(.*)\]$", re.MULTILINE)


def failed_requirement(error: tf.errors.InvalidArgumentError) -> str | None:
    """What `require` was to say, out of the error that a graph raises.

    Args:
        error: what TensorFlow raised.

    Returns:
        The message, or `None` if it was something else that failed.
    """
    found = _FAILED.search(error.message)
    if found is None or NODE not in error.message:
        return None
    # TensorFlow writes what is not ASCII, e.g. in names of files, as \345\233.
    escaped = found[1].encode("utf-8").decode("unicode_escape")
    return escaped.encode("latin-1").decode("utf-8", errors="replace")
