from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmkeras.arguments import check_choice, whole_number

if TYPE_CHECKING:
    import keras_hub

# Longer texts are rare, and the positions of a model cost memory.
MAX_LENGTH = 128
_CHUNK = 4096


def choose_length(
    texts: Sequence[str],
    tokenizer: keras_hub.tokenizers.Tokenizer,
    name: str,
    length: int | None,
    long_texts: str = "error",
    *,
    kind: str,
    special_tokens: int = 1,
    minimum: int = 2,
) -> int:
    """The number of tokens that a model is built for.

    Args:
        texts: sequence of strings to train on, at least one.
        tokenizer: the tokenizer of the texts.
        name: string, the argument that sets the length, for messages.
        length: int, the requested length, or `None` for that of the longest text, at
            most 128: longer texts are then cut, with a warning that counts them.
        long_texts: string, what to do with texts longer than a requested length:
            `"error"` or `"cut"`.
        kind: string, plural, what the texts are: `"captions"`.
        special_tokens: int, tokens that are added to each text.
        minimum: int, the smallest length that is chosen.

    Returns:
        int, with the special tokens.

    Raises:
        ValueError: if a text is longer than a requested length and `long_texts` is
            `"error"`, or an argument is out of range.
    """
    check_choice(f"long_{kind}", long_texts, ("error", "cut"))
    if length is not None:
        length = whole_number(name, length, 1)
        if long_texts == "cut":
            return length
    lengths = _lengths(texts, tokenizer) + special_tokens
    needed = int(lengths.max(initial=0))
    if length is None:
        length = min(max(needed, minimum), MAX_LENGTH)
        if needed > length:
            warnings.warn(
                f"{int(np.sum(lengths > length))} of {len(texts)} {kind} are longer "
                f"than {length} tokens and will be cut. {name}={needed} keeps all of "
                "them.",
                stacklevel=4,
            )
        return length
    if needed > length:
        longest = texts[int(lengths.argmax())]
        raise ValueError(
            f"{int(np.sum(lengths > length))} of {len(texts)} {kind} are longer than "
            f"{name}={length} tokens. The longest one, "
            f"{longest[:60]!r}{' …' if len(longest) > 60 else ''}, has {needed}. Use "
            f"{name}={needed}, or long_{kind}='cut' to train on the beginning of long "
            f"{kind}."
        )
    return length


def _lengths(texts, tokenizer) -> np.ndarray:
    chunks = (texts[i : i + _CHUNK] for i in range(0, len(texts), _CHUNK))
    return np.concatenate(
        [tokenizer.tokenize(chunk).row_lengths().numpy() for chunk in chunks]
    )
