from __future__ import annotations

from mmkeras.data.formats import read_caption_references


def known_captions(args) -> list[str]:
    """The captions of the training, if they were given."""
    if args.train_references is None:
        return []
    captions = read_caption_references(args.train_references).values()
    return [text for texts in captions for text in texts]
