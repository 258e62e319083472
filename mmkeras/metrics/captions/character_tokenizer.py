from __future__ import annotations

import re
from collections.abc import Sequence

from mmkeras.metrics.captions.ptb_tokenizer import PTBTokenizer

# Han, kana, and the ideographs beyond the Basic Multilingual Plane, which the Penn
# Treebank tokenizer would drop.
_CHARACTER = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
_RARE = re.compile("[\U00020000-\U0003ffff]")
_MARKS = re.compile("[。，、！？；：“”‘’（）《》…—]")


class CharacterTokenizer:
    """Tokenizes Chinese into characters, and other text like `PTBTokenizer`.

    Chinese punctuation is dropped. Unlike words, characters need no dictionary.

    Example:
        ```python
        tokenizer = mmkeras.metrics.CharacterTokenizer()
        tokenizer(["两只狗，玩iPad。"])  # ["两 只 狗 玩 ipad"]
        ```
    """

    def __init__(self):
        self._ptb = PTBTokenizer()

    def __call__(self, captions: Sequence[str]) -> list[str]:
        """Tokenizes captions.

        Args:
            captions: sequence of strings.

        Returns:
            List of strings, tokens separated by spaces.
        """
        return [self._tokenized(text) for text in map(_without_marks, captions)]

    def _tokenized(self, text: str) -> str:
        parts = re.split(f"({_RARE.pattern})", _CHARACTER.sub(r" \1 ", text))
        # Rare characters are every second part.
        words = [
            part if place % 2 else self._ptb([part])[0]
            for place, part in enumerate(parts)
        ]
        return " ".join(filter(None, words))


def _without_marks(caption: str) -> str:
    return _MARKS.sub(" ", caption)
