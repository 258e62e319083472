from __future__ import annotations

from collections.abc import Callable, Sequence

from mmkeras.metrics.captions.character_tokenizer import CharacterTokenizer
from mmkeras.metrics.captions.jieba_tokenizer import JiebaTokenizer
from mmkeras.metrics.captions.ptb_tokenizer import PTBTokenizer

_TOKENIZERS = {
    "ptb": PTBTokenizer,
    "characters": CharacterTokenizer,
    "jieba": JiebaTokenizer,
}


def caption_tokenizer(
    tokenizer: str | Callable[[Sequence[str]], list[str]],
) -> Callable[[Sequence[str]], list[str]]:
    """The tokenizer of a name.

    Args:
        tokenizer: `"ptb"` (COCO's), `"characters"` or `"jieba"` (Chinese), or a
            function from a sequence of captions to a list of them with spaces between
            words, which is returned as it is.

    Returns:
        Such a function.

    Raises:
        ValueError: if there is none of this name.
        ImportError: if it asks for a package that is not installed.
    """
    if callable(tokenizer):
        return tokenizer
    if tokenizer not in _TOKENIZERS:
        raise ValueError(
            f"`tokenizer` must be one of {', '.join(map(repr, _TOKENIZERS))}, or a "
            f"function from captions to captions. Received: {tokenizer!r}."
        )
    return _TOKENIZERS[tokenizer]()
