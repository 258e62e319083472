"""Captions, questions and answers about a scene, in English and Chinese."""

from __future__ import annotations

import functools
import random

from mmkeras.datasets.concepts import Concept, concepts_named
from mmkeras.datasets.scene import RELATIONS, Scene

LANGUAGES = ("en", "zh")
BACKGROUNDS = {
    "white": ("白色", (255, 255, 255)),
    "blue": ("蓝色", (173, 208, 245)),
    "green": ("绿色", (186, 232, 178)),
    "yellow": ("黄色", (252, 240, 160)),
    "pink": ("粉色", (250, 200, 218)),
    "grey": ("灰色", (200, 200, 200)),
}
NUMBERS = {
    "en": ("no", "one", "two", "three", "four"),
    "zh": ("零", "一", "两", "三", "四"),
}
RELATION_PHRASES = {
    "en": {
        "left": "to the left of",
        "right": "to the right of",
        "above": "above",
        "below": "below",
    },
    "zh": {"left": "左边", "right": "右边", "above": "上面", "below": "下面"},
}


def language_of(text: str) -> str:
    """`"zh"` if the text contains Chinese characters, else `"en"`."""
    return (
        "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"
    )


@functools.cache
def concept_table(name: str) -> dict[str, Concept]:
    """Return the concepts of a set by id."""
    return {concept.id: concept for concept in concepts_named(name)}


def counted(concept: Concept, count: int, language: str) -> str:
    """Name objects with their count: `"a cat"`, `"two cats"`, `"两只猫"`."""
    if language == "zh":
        return f"{NUMBERS['zh'][count]}{concept.measure}{concept.zh}"
    if count == 1:
        article = "an" if concept.singular[0] in "aeiou" else "a"
        return f"{article} {concept.singular}"
    return f"{NUMBERS['en'][count]} {concept.plural}"


def captions(scene: Scene, language: str, seed: str, number: int = 3) -> list[str]:
    """Write different true captions of a scene.

    Args:
        scene: a `Scene`.
        language: `"en"` or `"zh"`.
        seed: string; the same seed gives the same captions.
        number: int, maximum number of captions.

    Returns:
        List of 1 to `number` different strings, each true of the scene according to
        `judge_caption`.
    """
    rng = random.Random(f"{seed}/captions/{language}")
    make = _caption_zh if language == "zh" else _caption_en
    written: list[str] = []
    for _ in range(4 * number):
        caption = make(scene, rng)
        if caption not in written:
            written.append(caption)
        if len(written) == number:
            break
    return written


def _groups(scene: Scene, rng: random.Random, language: str):
    """Kinds in random order as (id, counted phrase, count), and a relation."""
    table = concept_table(scene.concepts)
    kinds = list(scene.counts().items())
    rng.shuffle(kinds)
    phrases = [(k, counted(table[k], n, language), n) for k, n in kinds]
    relation = None
    if len(kinds) > 1:
        first, second = kinds[0][0], kinds[1][0]
        relation = max(RELATIONS, key=lambda r: scene.clearance(first, r, second))
    return phrases, relation


def _caption_en(scene: Scene, rng: random.Random) -> str:
    groups, relation = _groups(scene, rng, "en")
    opening = rng.choice(("", "", "there is ", "a picture of "))
    if opening == "there is " and groups[0][2] > 1:
        opening = "there are "
    caption = opening + groups[0][1]
    if relation:
        caption += f" {RELATION_PHRASES['en'][relation]} {groups[1][1]}"
    if len(groups) > 2:
        caption += f", and also {groups[2][1]}"
    if rng.random() < 0.25:
        caption += f", on a {scene.background} background"
    return caption + "."


def _caption_zh(scene: Scene, rng: random.Random) -> str:
    groups, relation = _groups(scene, rng, "zh")
    if relation:
        side = RELATION_PHRASES["zh"][relation]
        caption = rng.choice(
            (
                f"{groups[0][1]}在{groups[1][1]}的{side}",
                f"{groups[1][1]}的{side}有{groups[0][1]}",
            )
        )
    else:
        caption = rng.choice(("", "图中有")) + groups[0][1]
    if len(groups) > 2:
        caption += f"，还有{groups[2][1]}"
    if rng.random() < 0.25:
        caption += f"，背景是{BACKGROUNDS[scene.background][0]}"
    return caption + "。"


def questions(scene: Scene, language: str, seed: str) -> list[tuple[str, str]]:
    """Write questions whose answers cannot be guessed from the question alone.

    "Yes" and "no" are equally likely for every question of that kind, so that a model
    without the image is at chance.

    Args:
        scene: a `Scene`.
        language: `"en"` or `"zh"`.
        seed: string.

    Returns:
        List of `(question, answer)`.
    """
    rng = random.Random(f"{seed}/questions")
    zh = language == "zh"
    table = concept_table(scene.concepts)
    counts = scene.counts()
    kinds = list(counts)
    yes, no = ("是", "否") if zh else ("yes", "no")
    pairs = []

    present = rng.random() < 0.5
    kind = rng.choice(kinds if present else [k for k in table if k not in counts])
    name = table[kind]
    article = counted(name, 1, "en")
    pairs.append(
        (
            f"图中有{name.zh}吗？" if zh else f"is there {article}?",
            yes if present else no,
        )
    )

    kind = rng.choice(kinds)
    pairs.append(
        (
            f"有几{table[kind].measure}{table[kind].zh}？"
            if zh
            else f"how many {table[kind].plural} are there?",
            NUMBERS[language][counts[kind]],
        )
    )

    background = BACKGROUNDS[scene.background][0] if zh else scene.background
    pairs.append(
        ("背景是什么颜色？" if zh else "what colour is the background?", background)
    )
    if len(kinds) > 1:
        pairs.extend(_relation_questions(scene, rng, zh, yes, no))
    return pairs


def _relation_questions(scene, rng, zh, yes, no):
    table = concept_table(scene.concepts)
    counts = scene.counts()
    first, second = rng.sample(list(counts), 2)
    truth = max(RELATIONS, key=lambda r: scene.clearance(first, r, second))
    false = [r for r in RELATIONS if not scene.holds(first, r, second)]
    answer = rng.random() < 0.5
    relation = truth if answer else rng.choice(false)
    language = "zh" if zh else "en"
    phrase = RELATION_PHRASES[language][relation]
    if zh:
        yield (
            f"{table[first].zh}在{table[second].zh}的{phrase}吗？",
            yes if answer else no,
        )
    else:
        verb = "is" if counts[first] == 1 else "are"
        a, b = (_definite(table[k], counts[k]) for k in (first, second))
        yield f"{verb} {a} {phrase} {b}?", yes if answer else no
    others = [k for k in counts if k != second and scene.holds(k, truth, second)]
    if others == [first]:
        phrase = RELATION_PHRASES[language][truth]
        if zh:
            yield f"{table[second].zh}的{phrase}是什么？", table[first].zh
        else:
            b = _definite(table[second], counts[second])
            yield f"what is {phrase} {b}?", table[first].singular


def _definite(concept: Concept, count: int) -> str:
    return f"the {concept.singular if count == 1 else concept.plural}"
