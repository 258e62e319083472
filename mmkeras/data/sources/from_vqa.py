from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats.read_vqa_json import read_vqa_json
from mmkeras.data.sources.find_coco_images import find_coco_images
from mmkeras.data.sources.questioned_images import QuestionedImages

# What annotations call it, and what samples do. Each is of all questions or of none.
_OPTIONAL = {
    "multiple_choice_answer": "answer",
    "question_type": "question_type",
    "answer_type": "answer_type",
}


def from_vqa(
    questions: str | os.PathLike,
    annotations: str | os.PathLike | None,
    images: str | os.PathLike,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """A dataset from the official VQA v2 files, and files like them.

    Args:
        questions: path of the questions, e.g.
            `v2_OpenEnded_mscoco_val2014_questions.json`.
        annotations: path of the annotations of the same split, e.g.
            `v2_mscoco_val2014_annotations.json`; `None` for a split without, such as
            `test2015`.
        images: folder of the pictures, with the names that COCO gives them
            (`COCO_val2014_000000262148.jpg`), that number alone
            (`000000262148.jpg`), or the names of the abstract scenes
            (`abstract_v002_val2015_000000020000.png`). If it has a folder of the
            name of the split (the file's `data_subtype`: `val2014`), they are in there.
        validation_fraction: float, share of the pictures in a second dataset,
            or `None` for one dataset only.
        seed: int, of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts, one a picture, in the order of their
        first questions, or two of them: `image` (string, encoded bytes), `image_id`
        (string, `"262148"`), and for each of its questions `question` and
        `question_id` (string `[questions]`) and, if there are annotations, `answers`
        (string `[questions, annotators]`, as they are written) and, where the file
        has them, `answer` (the `multiple_choice_answer`), `question_type` and
        `answer_type` (string `[questions]`). Pictures are read as they are needed.

    Raises:
        FileNotFoundError: if a JSON file or a picture is not there.
        ValueError: if a JSON file is not of this form, a question is empty, stands
            twice, or is in one of the files only, or the questions do not all have
            the same number of answers.

    Example:
        ```python
        train = mmkeras.data.from_vqa(
            "v2_OpenEnded_mscoco_train2014_questions.json",
            "v2_mscoco_train2014_annotations.json", "train2014")
        ```

    Reference:
        - [Goyal et al., 2017](https://arxiv.org/abs/1612.00837)
    """
    path = pathlib.Path(questions)
    asked, subset = read_vqa_json(path, "questions", ("image_id", "question"))
    if not asked:
        raise ValueError(f"{path} has no questions.")
    columns = {"question_id": list(asked), "question": _texts(asked, path)}
    numbers = [str(row["image_id"]) for row in asked.values()]
    if annotations is not None:
        columns |= _read_annotations(pathlib.Path(annotations), path, asked)
    found = find_coco_images(images, subset, set(numbers))
    _require_pictures(found, asked, images, path)
    return _group(numbers, found, columns).datasets(validation_fraction, seed)


def _texts(asked, path) -> list[str]:
    for question_id, row in asked.items():
        text = row["question"]
        if not isinstance(text, str) or not text.strip():
            raise ValueError(
                f"{path} (question_id {question_id}) has {text!r} as a question, which "
                "must be a string and not empty. Write one, or delete it."
            )
    return [row["question"].strip() for row in asked.values()]


def _read_annotations(path, questions, asked) -> dict[str, list]:
    notes, _ = read_vqa_json(path, "annotations", ("image_id", "answers"))
    _require_same(asked, notes, questions, path)
    first = notes[next(iter(asked))]
    names = {"answers": "answers"}
    names |= {name: key for name, key in _OPTIONAL.items() if name in first}
    annotators = len(first["answers"]) if isinstance(first["answers"], list) else 0
    columns: dict[str, list] = {key: [] for key in names.values()}
    for question_id in asked:
        note = notes[question_id]
        _check_note(note, names, annotators, f"{path} (question_id {question_id})")
        for name, key in names.items():
            columns[key].append(note[name])
    return columns


def _require_same(asked, notes, questions, path) -> None:
    remedy = "Give the two files of the same split."
    for question_id, row in asked.items():
        if question_id not in notes:
            raise ValueError(
                f"{path} has no annotation of question_id {question_id}, which is in "
                f"{questions}. {remedy} For a test split give annotations=None."
            )
        image, other = row["image_id"], notes[question_id]["image_id"]
        if str(other) != str(image):
            raise ValueError(
                f"{path} has question_id {question_id} for the image {other}, and "
                f"{questions} has it for {image}. {remedy}"
            )
    if len(notes) > len(asked):
        unknown = next(key for key in notes if key not in asked)
        raise ValueError(
            f"{path} has an annotation of question_id {unknown}, which is not in "
            f"{questions}. {remedy}"
        )


def _check_note(note, names, annotators, place) -> None:
    answers = note["answers"]
    fine = isinstance(answers, list) and all(isinstance(a, str) for a in answers)
    if not fine or not answers:
        raise ValueError(
            f"{place} has 'answers' that are not a list of objects with 'answer', a "
            f"string. It is {str(answers)[:60]}."
        )
    if len(answers) != annotators:
        raise ValueError(
            f"{place} has {len(answers)} answers, and the first question has "
            f"{annotators}. Every question needs as many."
        )
    for name in names:
        if name != "answers" and not isinstance(note.get(name), str):
            raise ValueError(
                f"{place} has {note.get(name)!r} as {name!r}, which must be a string, "
                "as of the first question. Give it to all questions, or to none."
            )


def _require_pictures(found, asked, images, path) -> None:
    for question_id, row in asked.items():
        if str(row["image_id"]) not in found:
            number = str(row["image_id"]).zfill(12)
            raise FileNotFoundError(
                f"{path} (question_id {question_id}) asks about the image "
                f"{row['image_id']}, and {images} has no picture of it, such as "
                f"COCO_val2014_{number}.jpg or {number}.jpg. Give the folder of the "
                "pictures of this split as `images`."
            )


def _group(numbers, found, columns) -> QuestionedImages:
    places: dict[str, list[int]] = {}
    for place, number in enumerate(numbers):
        places.setdefault(number, []).append(place)
    grouped = {
        key: [[values[place] for place in asked] for asked in places.values()]
        for key, values in columns.items()
    }
    return QuestionedImages(list(places), [found[n] for n in places], grouped)
