from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.preprocessing import WordPieceTokenizer

_CHUNK = 4096


def refuse_long_texts(
    what: str,
    texts: Sequence[str],
    tokenizer: WordPieceTokenizer,
    length_name: str,
    length: int,
) -> None:
    """Refuses texts that could only be learned in part.

    Args:
        what: string, what the texts are: `"captions"` or `"answers"`.
        texts: sequence of strings, at least one.
        tokenizer: a `WordPieceTokenizer`.
        length_name: string, the argument that says how long they may be.
        length: int, the most tokens of a text with its end.

    Raises:
        ValueError: if a text is longer.
    """
    chunks = (texts[i : i + _CHUNK] for i in range(0, len(texts), _CHUNK))
    lengths = np.concatenate(
        [tokenizer.tokenize(chunk).row_lengths().numpy() for chunk in chunks]
    )
    needed = int(lengths.max()) + 1
    if needed > length:
        number = int(np.sum(lengths >= length))
        longest = texts[int(lengths.argmax())]
        raise ValueError(
            f"{number} of {len(texts)} {what} are longer than {length_name}={length} "
            f"tokens with their end. The longest, "
            f"{longest[:60]!r}{' …' if len(longest) > 60 else ''}, has {needed}. "
            f"Give {length_name}={needed}, or long_{what}='cut' to learn only how they "
            "begin."
        )


def check_long_texts(name: str, value: str) -> None:
    """Refuses what says neither to refuse long texts nor to cut them.

    Args:
        name: string, the argument: `"long_captions"` or `"long_answers"`.
        value: what it was given as.

    Raises:
        ValueError: if it is not `"error"` or `"cut"`.
    """
    if value not in ("error", "cut"):
        raise ValueError(
            f"`{name}` must be 'error' or 'cut'. Received: {name}={value!r}."
        )
