from __future__ import annotations

from collections.abc import Mapping, Sequence


def chair(
    captions: Sequence[str],
    objects: Sequence[Sequence[str]],
    names: Mapping[str, Sequence[str]],
) -> dict[str, float]:
    """Computes CHAIR: how often captions mention objects that the image lacks.

    Args:
        captions: sequence of tokenized captions, strings with spaces between words.
        objects: sequence of the objects in the image of each caption.
        names: dict from an object to its names, each of one or more words; of two names
            that begin at the same word, the longer one counts.

    Returns:
        Dict of `"CHAIRi"` (fraction of the mentioned objects that the image lacks) and
        `"CHAIRs"` (fraction of the captions that mention at least one of these).

    Raises:
        ValueError: if the lengths differ or are 0.

    Reference:
        - [Rohrbach et al., 2018](https://arxiv.org/abs/1809.02156)
    """
    if len(captions) != len(objects) or not len(captions):
        raise ValueError(
            "`captions` and `objects` must have the same length, not 0. Received "
            f"{len(captions)} and {len(objects)}."
        )
    known = {
        tuple(name.split()): thing for thing, ways in names.items() for name in ways
    }
    longest = max(map(len, known), default=0)
    mentioned = absent = captions_absent = 0
    for caption, present in zip(captions, objects, strict=True):
        found = _mentioned(caption.split(), known, longest)
        missing = len(found - set(present))
        mentioned += len(found)
        absent += missing
        captions_absent += missing > 0
    return {
        "CHAIRi": absent / max(1, mentioned),
        "CHAIRs": captions_absent / len(captions),
    }


def _mentioned(words: list[str], known: dict, longest: int) -> set[str]:
    found, place = set(), 0
    while place < len(words):
        for length in range(longest, 0, -1):
            thing = known.get(tuple(words[place : place + length]))
            if thing is not None:
                found.add(thing)
                place += length - 1
                break
        place += 1
    return found
