from __future__ import annotations

from collections.abc import Mapping, Sequence


def chair(
    captions: Sequence[str],
    objects: Sequence[Sequence[str]],
    names: Mapping[str, Sequence[str]],
) -> dict[str, float]:
    """How often captions name objects that are not in the picture.

    Args:
        captions: tokenised captions, strings with spaces between words.
        objects: for each caption, what is in its picture.
        names: dict from an object to the ways it may be called, each of one or more
            words; the longer name wins where two begin at one word.

    Returns:
        Dict of `"CHAIRi"` (share of the objects named that are not there) and
        `"CHAIRs"` (share of the captions that name such a one).

    Raises:
        ValueError: if the lengths differ or there is none.

    Reference:
        - [Rohrbach et al., 2018](https://arxiv.org/abs/1809.02156)
    """
    if len(captions) != len(objects) or not len(captions):
        raise ValueError(
            "`captions` and `objects` must be of one length, not 0. Received "
            f"{len(captions)} and {len(objects)}."
        )
    called = {
        tuple(name.split()): thing for thing, ways in names.items() for name in ways
    }
    longest = max(map(len, called), default=0)
    named = wrong = captions_wrong = 0
    for caption, there in zip(captions, objects, strict=True):
        found = _named(caption.split(), called, longest)
        absent = len(found - set(there))
        named += len(found)
        wrong += absent
        captions_wrong += absent > 0
    return {"CHAIRi": wrong / max(1, named), "CHAIRs": captions_wrong / len(captions)}


def _named(words: list[str], called: dict, longest: int) -> set[str]:
    found, place = set(), 0
    while place < len(words):
        for length in range(longest, 0, -1):
            thing = called.get(tuple(words[place : place + length]))
            if thing is not None:
                found.add(thing)
                place += length - 1
                break
        place += 1
    return found
