"""The contents of an image, as data."""

from __future__ import annotations

import dataclasses
import itertools
import json

RELATIONS = ("left", "right", "above", "below")
INVERSE = {"left": "right", "right": "left", "above": "below", "below": "above"}

# Relations are those that people see: centres that differ by less than this fraction of
# the side of the image count as level.
_LEVEL = 0.02


@dataclasses.dataclass(frozen=True)
class SceneObject:
    """One object of a scene.

    Args:
        concept: string, the id of its `Concept`.
        x: float, centre from the left, as a fraction of the side of the image.
        y: float, centre from the top, as a fraction of the side of the image.
        size: float, side of its square, as a fraction of the side of the image.
    """

    concept: str
    x: float
    y: float
    size: float


@dataclasses.dataclass(frozen=True)
class Scene:
    """The true contents of an image, which captions are judged against.

    Args:
        concepts: string, name of the set of concepts: `"small"`, `"large"` or
            `"shapes"`.
        background: string, English name of the background's colour.
        objects: tuple of `SceneObject`.
    """

    concepts: str
    background: str
    objects: tuple[SceneObject, ...]

    def counts(self) -> dict[str, int]:
        """Number of objects by concept id, in order of first appearance."""
        counts: dict[str, int] = {}
        for item in self.objects:
            counts[item.concept] = counts.get(item.concept, 0) + 1
        return counts

    def pairs(self) -> set[tuple[str, str]]:
        """Every unordered pair of different concepts, each sorted by id."""
        return set(itertools.combinations(sorted(self.counts()), 2))

    def clearance(self, first: str, relation: str, second: str) -> float:
        """Measure how clearly a relation holds between two kinds of objects.

        Args:
            first: string, concept id.
            relation: string, one of `RELATIONS`.
            second: string, concept id.

        Returns:
            Float, the smallest distance of an object of `first` to one of `second`
            along the axis of the relation, as a fraction of the side of the image.
            Negative if the relation does not hold.
        """
        if relation in ("right", "below"):
            return self.clearance(second, INVERSE[relation], first)
        axis = "x" if relation == "left" else "y"
        ends = [getattr(o, axis) for o in self.objects if o.concept == first]
        starts = [getattr(o, axis) for o in self.objects if o.concept == second]
        return min(starts) - max(ends)

    def holds(self, first: str, relation: str, second: str) -> bool:
        """Whether a relation holds between all of `first` and all of `second`."""
        return self.clearance(first, relation, second) > _LEVEL

    def to_json(self) -> str:
        """Serialize the scene as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Scene:
        """Parse the result of `to_json`.

        Raises:
            ValueError: if the text is not the JSON of a scene.
        """
        try:
            data = json.loads(text)
            objects = tuple(SceneObject(**item) for item in data.pop("objects"))
            return cls(objects=objects, **data)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(
                "Expected the JSON of a scene, as returned by `Scene.to_json()`. "
                f"Received: {text!r:.200}"
            ) from error
