import pytest

from mmkeras.datasets import Scene, SceneObject, SceneSampler, judge_caption
from mmkeras.datasets.concepts import concepts_named
from mmkeras.datasets.scene_language import captions, questions

# A cat at the top left, two dogs at the bottom right: the cat is left of the
# dogs (0.2 < 0.7) and above them (0.2 < 0.6).
TWO_KINDS = Scene(
    "small",
    "blue",
    (
        SceneObject("cat", 0.2, 0.2, 0.3),
        SceneObject("dog", 0.7, 0.6, 0.3),
        SceneObject("dog", 0.8, 0.8, 0.3),
    ),
)
ONE_KIND = Scene("small", "white", (SceneObject("cat", 0.5, 0.5, 0.3),) * 2)


@pytest.mark.parametrize(
    "caption",
    [
        "a cat to the left of two dogs.",
        "there are two dogs to the right of a cat.",
        "a cat above two dogs, on a blue background.",
        "Two dogs below one cat",
        "a picture of a cat above two dogs",
    ],
)
def test_true(caption):
    assert judge_caption(caption, TWO_KINDS), judge_caption(caption, TWO_KINDS)


@pytest.mark.parametrize(
    ("caption", "reason"),
    [
        ("a cat and two dogs.", "names no relation"),
        ("a cat to the right of two dogs.", "which is false"),
        ("a cat to the left of a dog.", "says 1 dog, there are 2"),
        ("two dogs.", "omits cat"),
        ("a cat to the left of two foxes.", "says 2 fox, there are 0"),
        ("a cat above two dogs, on a pink background.", "background is pink"),
        ("a cat above two lovely dogs.", "cannot be checked: 'two lovely dogs'"),
        ("a cat above two dogs, and also a cat.", "names cat twice"),
        ("above two dogs a cat.", "without an object on each side"),
        ("", "omits"),
    ],
)
def test_not_true(caption, reason):
    verdict = judge_caption(caption, TWO_KINDS)
    assert not verdict
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("caption", "true"),
    [
        ("一只猫在两只狗的左边。", True),
        ("两只狗的上面有一只猫，背景是蓝色。", True),
        ("两只狗在一只猫的下面", True),
        ("一只猫在两只狗的右边。", False),
        ("一只猫，还有两只狗。", False),
        ("一只猫在三只狗的左边。", False),
        ("一只猫在两只狗。", False),
        ("一只好猫在两只狗的左边。", False),
    ],
)
def test_chinese(caption, true):
    assert bool(judge_caption(caption, TWO_KINDS, "zh")) is true


def test_one_kind_needs_no_relation():
    assert judge_caption("two cats.", ONE_KIND)
    assert judge_caption("图中有两只猫。", ONE_KIND, "zh")
    assert not judge_caption("three cats.", ONE_KIND)


def test_unknown_language():
    with pytest.raises(ValueError, match="`language` must be one of"):
        judge_caption("un chat", ONE_KIND, "fr")


@pytest.mark.parametrize("concepts", ["small", "large", "shapes"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("unseen", [False, True])
def test_generated_captions_are_true(concepts, language, unseen):
    ids = [concept.id for concept in concepts_named(concepts)]
    sampler = SceneSampler(concepts, ids, unseen)
    for seed in map(str, range(200)):
        scene = sampler.sample(seed)
        written = captions(scene, language, seed)
        assert 1 <= len(written) == len(set(written))
        for caption in written:
            assert judge_caption(caption, scene, language), caption


def test_answers_cannot_be_guessed_from_the_question():
    ids = [concept.id for concept in concepts_named("small")]
    sampler = SceneSampler("small", ids)
    counts_by_question, test_pairs = {}, []
    for index in range(12_000):
        seed = str(index)
        pairs = questions(sampler.sample(seed), "en", seed)
        if index < 10_000:
            for question, answer in pairs:
                counts = counts_by_question.setdefault(question, {})
                counts[answer] = counts.get(answer, 0) + 1
        else:
            test_pairs.extend(pairs)
    right = sum(
        max(counts_by_question[question], key=counts_by_question[question].get)
        == answer
        for question, answer in test_pairs
        if question in counts_by_question
    )
    assert right / len(test_pairs) <= 0.55
