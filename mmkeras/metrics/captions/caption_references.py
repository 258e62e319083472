from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import chain

from mmkeras.metrics.captions.character_tokenizer import CharacterTokenizer
from mmkeras.metrics.captions.jieba_tokenizer import JiebaTokenizer
from mmkeras.metrics.captions.ngram_counts import ReferenceStatistics
from mmkeras.metrics.captions.ptb_tokenizer import PTBTokenizer

_TOKENIZERS = {
    "ptb": PTBTokenizer,
    "characters": CharacterTokenizer,
    "jieba": JiebaTokenizer,
}


class CaptionReferences:
    """Reference captions, tokenized and counted once for many evaluations.

    Args:
        references: dict from image id to its captions, a list of strings.
        tokenizer: `"ptb"` (COCO's), `"characters"` or `"jieba"` (Chinese), or a
            function from a sequence of captions to a list of captions with spaces
            between words.

    Attributes:
        ids: list of image ids, in the given order.
        captions: dict from image id to its captions, as given.
        tokenizer: the tokenizer, a function.

    Raises:
        ValueError: if there are no images, an image has no caption or an empty one, or
            the tokenizer is unknown.
        TypeError: if a caption is not a string.
        ImportError: if the tokenizer needs a package that is not installed.

    Example:
        ```python
        references = mmkeras.metrics.CaptionReferences({7: ["A dog runs."]})
        mmkeras.metrics.evaluate_captions(references, {7: "a dog is running"})
        ```
    """

    def __init__(
        self,
        references: Mapping[Hashable, Sequence[str]],
        tokenizer: str | Callable[[Sequence[str]], list[str]] = "ptb",
    ):
        if not references:
            raise ValueError("`references` must have at least one image. Received: {}.")
        for image_id, captions in references.items():
            _check(image_id, captions)
        self.ids = list(references)
        self.captions = {name: list(captions) for name, captions in references.items()}
        self.tokenizer = _tokenizer(tokenizer)

    def subset(self, ids: Sequence[Hashable]) -> CaptionReferences:
        """Returns the references of some images, with counts of their own.

        Args:
            ids: sequence of image ids.
        """
        wanted = set(ids)
        chosen = {name: self.captions[name] for name in self.ids if name in wanted}
        return CaptionReferences(chosen, self.tokenizer)

    @functools.cached_property
    def tokenized(self) -> dict[Hashable, list[str]]:
        """Dict from image id to tokenized captions, with spaces between words."""
        words = iter(self.tokenizer(list(chain.from_iterable(self.captions.values()))))
        return {
            name: [next(words) for _ in captions]
            for name, captions in self.captions.items()
        }

    @functools.cached_property
    def words(self) -> list[list[list[str]]]:
        """Words of each caption of each image; one empty word for an empty caption."""
        return [
            [text.split(" ") for text in texts] for texts in self.tokenized.values()
        ]

    @functools.cached_property
    def statistics(self) -> ReferenceStatistics:
        """N-gram counts for BLEU and CIDEr-D."""
        texts = list(chain.from_iterable(self.tokenized.values()))
        per_image = [len(captions) for captions in self.captions.values()]
        return ReferenceStatistics.of([text.split() for text in texts], per_image)


def _tokenizer(
    tokenizer: str | Callable[[Sequence[str]], list[str]],
) -> Callable[[Sequence[str]], list[str]]:
    if callable(tokenizer):
        return tokenizer
    if tokenizer not in _TOKENIZERS:
        raise ValueError(
            f"`tokenizer` must be one of {', '.join(map(repr, _TOKENIZERS))}, or a "
            f"function from captions to captions. Received: {tokenizer!r}."
        )
    return _TOKENIZERS[tokenizer]()


def _check(image_id, captions) -> None:
    if isinstance(captions, (str, bytes)) or not isinstance(captions, Sequence):
        raise TypeError(
            f"The references of image {image_id!r} must be a list of strings. "
            f"Received: {captions!r}."
        )
    if not captions:
        raise ValueError(
            f"Image {image_id!r} has no reference: add one, or remove the image."
        )
    for caption in captions:
        if not isinstance(caption, str):
            raise TypeError(
                f"A reference of image {image_id!r} is not a string: {caption!r}."
            )
        if not caption.strip():
            raise ValueError(
                f"A reference of image {image_id!r} is empty: write or remove it."
            )
