from __future__ import annotations

from typing import NamedTuple

from mmkeras.models.image_captioner.caption_scores import references_of
from mmkeras.models.predictions import Predictions


class CaptionedSamples(NamedTuple):
    """Captions of a model and the references to score them against, by `image_id`.

    Attributes:
        captions: dict from image id to caption.
        references: dict from image id to the captions of the data.
        images: dict from image id to encoded bytes, or to `None` if the images were
            not kept.
    """

    captions: dict[str, str]
    references: dict[str, list[str]]
    images: dict[str, bytes | None]

    @classmethod
    def of(cls, predictions: Predictions) -> CaptionedSamples:
        """Collects captions and references.

        Args:
            predictions: a `Predictions` of a captioner; the samples have `image`,
                `image_id` and `captions` or `caption`.

        Raises:
            ValueError: if the samples lack a key, an image is unreadable, or an id is
                duplicated.
        """
        spec = predictions.dataset.element_spec
        missing = {"image", "image_id"} - set(spec)
        missing |= {"captions"} if not {"captions", "caption"} & set(spec) else set()
        if missing:
            raise ValueError(
                "To score captions, the samples must have 'image', 'image_id' and "
                f"'captions'. Missing: {', '.join(sorted(missing))}."
            )
        found = cls({}, {}, {})
        for row in predictions:
            name = row.image_id
            if name in found.captions:
                raise ValueError(f"The image_id {name!r} is duplicated in the dataset.")
            found.captions[name] = str(row.output)
            found.references[name] = references_of(row.sample)
            found.images[name] = row.image
        return found
