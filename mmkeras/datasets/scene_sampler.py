"""Random scenes, deterministic by seed."""

from __future__ import annotations

import hashlib
import itertools
import random

from mmkeras.datasets.scene import RELATIONS, Scene, SceneObject
from mmkeras.datasets.scene_language import BACKGROUNDS

# Sizes of the groups of equal objects in a scene, and their relative frequencies.
_GROUPS = {
    (1,): 4,
    (2,): 7,
    (3,): 7,
    (4,): 7,
    (1, 1): 12,
    (1, 2): 14,
    (2, 2): 14,
    (1, 3): 12,
    (1, 1, 1): 12,
    (1, 1, 2): 11,
}
_CLEAR = 0.12
_SIZES = (0.27, 0.38)
_HELD_OUT_SHARE = 0.1


def is_held_out(pair: tuple[str, str]) -> bool:
    """Whether a pair of concepts is held out of training.

    Args:
        pair: tuple of two concept ids, sorted.

    Returns:
        Bool, the same on every machine and for every seed.
    """
    digest = hashlib.sha256("|".join(pair).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < _HELD_OUT_SHARE


class SceneSampler:
    """Samples scenes of 1 to 4 objects.

    At least one relation holds clearly between any two kinds of objects of a scene, and
    objects do not overlap.

    Args:
        concepts: string, name of the set of concepts.
        ids: sequence of concept ids.
        unseen_pairs: bool. If `True`, every scene holds a pair of concepts that
            is held out of training; if `False`, none does.
    """

    def __init__(self, concepts: str, ids: list[str], unseen_pairs: bool = False):
        self.concepts = concepts
        self.ids = list(ids)
        self.unseen_pairs = unseen_pairs

    def sample(self, seed: str) -> Scene:
        """Sample a scene.

        Args:
            seed: string; the same seed gives the same scene.

        Returns:
            A `Scene`.
        """
        rng = random.Random(seed)
        background = rng.choice(list(BACKGROUNDS))
        counts = self._counts(rng)
        kinds = self._kinds(rng, len(counts))
        while True:
            scene = Scene(self.concepts, background, self._place(rng, kinds, counts))
            if scene.objects and _all_pairs_clear(scene):
                return scene

    def _counts(self, rng: random.Random) -> list[int]:
        options = [g for g in _GROUPS if len(g) > 1 or not self.unseen_pairs]
        counts = rng.choices(options, [_GROUPS[g] for g in options])[0]
        return rng.sample(counts, len(counts))

    def _kinds(self, rng: random.Random, number: int) -> list[str]:
        while True:
            kinds = rng.sample(self.ids, number)
            pairs = itertools.combinations(sorted(kinds), 2)
            if any(map(is_held_out, pairs)) == self.unseen_pairs:
                return kinds

    def _place(self, rng, kinds, counts) -> tuple[SceneObject, ...]:
        placed: list[SceneObject] = []
        for kind, count in zip(kinds, counts, strict=True):
            for _ in range(count):
                item = _place_one(rng, kind, placed)
                if item is None:
                    return ()
                placed.append(item)
        return tuple(placed)


def _place_one(rng, kind, placed) -> SceneObject | None:
    for _ in range(30):
        size = rng.uniform(*_SIZES)
        x, y = (rng.uniform(size / 2, 1 - size / 2) for _ in range(2))
        item = SceneObject(kind, round(x, 4), round(y, 4), round(size, 4))
        if all(_apart(item, other) for other in placed):
            return item
    return None


def _apart(a: SceneObject, b: SceneObject) -> bool:
    return max(abs(a.x - b.x), abs(a.y - b.y)) >= (a.size + b.size) / 2 * 0.95


def _all_pairs_clear(scene: Scene) -> bool:
    return all(
        max(scene.clearance(a, relation, b) for relation in RELATIONS) >= _CLEAR
        for a, b in scene.pairs()
    )
