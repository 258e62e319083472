from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from mmkeras.preprocessing.images.image_converter import REMEDY
from mmkeras.preprocessing.require import failed_requirement


@contextlib.contextmanager
def plain_errors(may_skip: bool) -> Iterator[None]:
    """A scope in which an invalid sample raises an error with the reason alone.

    Args:
        may_skip: bool, whether the caller has `on_error="skip"`, which the error then
            mentions.

    Raises:
        ValueError: if a sample is invalid.
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
        # Where in the graph it was says nothing about the sample.
        raise ValueError(message) from None
