from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import chain

from mmkeras.metrics.captions.caption_tokenizer import caption_tokenizer
from mmkeras.metrics.captions.reference_statistics import ReferenceStatistics


class CaptionReferences:
    """The references of some images, tokenised and counted once.

    An evaluation in each epoch then costs what the new captions cost.

    Args:
        references: dict from the id of an image to its captions, a list of strings.
        tokenizer: `"ptb"` (COCO's), `"characters"` or `"jieba"` (Chinese), or a
            function from a sequence of captions to a list of them with spaces between
            words.

    Attributes:
        ids: list of the ids, in the order given.
        captions: dict from id to the captions as given.
        tokenizer: the function that tokenises.

    Raises:
        ValueError: if there is no image, or an image has no caption or an empty one.
        TypeError: if a caption is not a string.

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
            raise ValueError("There are no references: `references` is empty.")
        for image_id, captions in references.items():
            _check(image_id, captions)
        self.ids = list(references)
        self.captions = {name: list(captions) for name, captions in references.items()}
        self.tokenizer = caption_tokenizer(tokenizer)

    def subset(self, ids: Sequence[Hashable]) -> CaptionReferences:
        """The references of some of the images, counted anew.

        Args:
            ids: ids of images, which must be among them.
        """
        wanted = set(ids)
        chosen = {name: self.captions[name] for name in self.ids if name in wanted}
        return CaptionReferences(chosen, self.tokenizer)

    @functools.cached_property
    def tokenised(self) -> dict[Hashable, list[str]]:
        """Dict from id to the tokenised captions, strings with spaces between words."""
        words = iter(self.tokenizer(list(chain.from_iterable(self.captions.values()))))
        return {
            name: [next(words) for _ in captions]
            for name, captions in self.captions.items()
        }

    @functools.cached_property
    def words(self) -> list[list[list[str]]]:
        """For each image, the words of each caption; one empty word if it has none."""
        return [
            [text.split(" ") for text in texts] for texts in self.tokenised.values()
        ]

    @functools.cached_property
    def statistics(self) -> ReferenceStatistics:
        """What BLEU and CIDEr-D need."""
        texts = list(chain.from_iterable(self.tokenised.values()))
        per_image = [len(captions) for captions in self.captions.values()]
        return ReferenceStatistics.of([text.split() for text in texts], per_image)


def _check(image_id, captions) -> None:
    if isinstance(captions, (str, bytes)) or not isinstance(captions, Sequence):
        raise TypeError(
            f"The references of image {image_id!r} must be a list of strings. "
            f"Received: {captions!r}."
        )
    if not captions:
        raise ValueError(
            f"Image {image_id!r} has no reference: give it one or leave it."
        )
    for caption in captions:
        if not isinstance(caption, str):
            raise TypeError(
                f"A reference of image {image_id!r} is not a string: {caption!r}."
            )
        if not caption.strip():
            raise ValueError(
                f"A reference of image {image_id!r} is empty: write it or drop it."
            )
