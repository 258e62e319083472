import itertools

import numpy as np
import pytest

from mmkeras.datasets import (
    Scene,
    SceneObject,
    SceneRenderer,
    SceneSampler,
    concepts_named,
    is_held_out,
    scene_renderer,
)

IDS = [concept.id for concept in concepts_named("small")]


def test_clearance_by_hand():
    scene = Scene(
        "small",
        "blue",
        (
            SceneObject("cat", 0.2, 0.5, 0.3),
            SceneObject("cat", 0.4, 0.6, 0.3),
            SceneObject("dog", 0.7, 0.55, 0.3),
        ),
    )
    # The rightmost cat is at 0.4, the dog at 0.7.
    assert scene.clearance("cat", "left", "dog") == pytest.approx(0.3)
    assert scene.clearance("dog", "right", "cat") == pytest.approx(0.3)
    # The lower cat, at 0.6, is 0.05 below the dog.
    assert scene.clearance("cat", "above", "dog") == pytest.approx(-0.05)
    assert scene.holds("cat", "left", "dog")
    assert not scene.holds("cat", "above", "dog")
    assert scene.counts() == {"cat": 2, "dog": 1}


def test_json_round_trip_and_bad_json():
    scene = SceneSampler("small", IDS).sample("0")
    assert Scene.from_json(scene.to_json()) == scene
    for bad in ("", "[]", '{"objects": [{"x": 1}]}', "{"):
        with pytest.raises(ValueError, match="Expected the JSON of a scene"):
            Scene.from_json(bad)


def test_scenes_are_deterministic_and_valid():
    sampler = SceneSampler("small", IDS)
    for seed in map(str, range(300)):
        scene = sampler.sample(seed)
        assert scene == sampler.sample(seed)
        assert 1 <= len(scene.objects) <= 4
        assert not any(map(is_held_out, scene.pairs()))
        for a, b in itertools.combinations(scene.objects, 2):
            gap = max(abs(a.x - b.x), abs(a.y - b.y))
            assert gap >= 0.95 * (a.size + b.size) / 2
        for item in scene.objects:
            assert item.size / 2 - 1e-3 <= item.x <= 1 - item.size / 2 + 1e-3


def test_all_unseen_scenes_have_an_unseen_pair():
    sampler = SceneSampler("small", IDS, unseen_pairs=True)
    for seed in map(str, range(300)):
        assert any(map(is_held_out, sampler.sample(seed).pairs()))


def test_every_concept_occurs_with_others_in_training():
    for concept in IDS:
        pairs = [tuple(sorted((concept, other))) for other in IDS if other != concept]
        assert sum(map(is_held_out, pairs)) < len(pairs) / 2


@pytest.mark.parametrize(("name", "minimum"), [("small", 60), ("large", 1000)])
def test_concepts_have_unique_names(name, minimum):
    concepts = concepts_named(name)
    assert len(concepts) >= minimum
    for field in ("id", "singular", "zh"):
        assert len({getattr(c, field) for c in concepts}) == len(concepts)


def test_every_small_concept_has_a_unique_drawing():
    renderer = SceneRenderer(96)
    drawings = [np.asarray(renderer.sprite("small", i)).tobytes() for i in IDS]
    assert len(set(drawings)) == len(IDS)


def test_shapes_need_no_package(monkeypatch):
    monkeypatch.setattr(scene_renderer.importlib.util, "find_spec", lambda _: None)
    ids = [concept.id for concept in concepts_named("shapes")]
    scene = SceneSampler("shapes", ids).sample("0")
    assert SceneRenderer(96).render(scene).size == (96, 96)
    with pytest.raises(ImportError, match=r"mmkeras\[emoji\].*small_shapes"):
        SceneRenderer(96).render(SceneSampler("small", IDS).sample("0"))


def test_objects_are_drawn_at_their_positions():
    scene = Scene("shapes", "white", (SceneObject("red_square", 0.25, 0.75, 0.25),))
    pixels = np.asarray(SceneRenderer(96).render(scene))
    rows, columns = np.where(pixels[..., 1] < 128)
    # Centre (0.25, 0.75) × 96 = (24, 72), side 0.25 × 96 = 24 pixels.
    assert (columns.min(), columns.max()) == (12, 35)
    assert (rows.min(), rows.max()) == (60, 83)


def test_unknown_set_of_concepts():
    with pytest.raises(ValueError, match="must be one of"):
        concepts_named("medium")
