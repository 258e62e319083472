"""Texts that a model reads, such as questions."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from mmkeras.preprocessing.modality import Modality


class TextModality(Modality):
    """Strings, one or several of each sample.

    Tokenizers take strings as they are, so that nothing is decoded. Strings do not
    tell whether samples are batched: `[3]` may be one sample of three questions.

    Args:
        key: string, the key of the texts in a sample.
        optional: bool, whether a sample may lack them.
    """

    encoded = False

    def __init__(self, key: str = "question", optional: bool = True):
        super().__init__(key, optional)

    @property
    def input_key(self) -> str:
        return self.key

    def value_batched(self, value: Any) -> bool:
        raise ValueError("The rank of texts does not tell whether they are batched.")

    def load(self, values: Any) -> tuple[list, list[str], bool]:
        single = isinstance(values, str)
        texts = [values] if single else list(values)
        return texts, [f"{self.key} {i}" for i in range(len(texts))], single

    def decode(self, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return values, tf.fill(tf.shape(values)[:1], "")

    def keep(self, value: Any) -> str | None:
        """The first text of a sample, `None` if there is none or it is blank."""
        value = value.numpy() if hasattr(value, "numpy") else value
        if value is not None and not isinstance(value, (str, bytes)):
            value = value[0] if len(value) else None
        text = value.decode("utf-8") if isinstance(value, bytes) else value
        return text if text and text.strip() else None
