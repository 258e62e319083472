from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats import read_vqa_annotations, read_vqa_questions
from mmkeras.data.sources.find_coco_images import find_coco_images
from mmkeras.data.sources.image_table import ImageTable

# Keys of annotations and of samples. All questions have such a key, or none.
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
    """Builds a dataset from the official VQA v2 files, or files in their format.

    Args:
        questions: path of the questions, e.g.
            `v2_OpenEnded_mscoco_val2014_questions.json`.
        annotations: path of the annotations of the same split, e.g.
            `v2_mscoco_val2014_annotations.json`; `None` for a split without, such as
            `test2015`.
        images: folder of the images, with COCO's names
            (`COCO_val2014_000000262148.jpg`), the number alone
            (`000000262148.jpg`), or the names of the abstract scenes
            (`abstract_v002_val2015_000000020000.png`). If it has a folder with the name
            of the split (the file's `data_subtype`: `val2014`), they are in that one.
        validation_fraction: float, the fraction of the images in a second dataset, or
            `None` for one dataset.
        seed: int, the seed of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts, one for each image, in the order of
        their first questions, or two of them: `image` (string, encoded bytes),
        `image_id` (string, `"262148"`), and for each of its questions `question` and
        `question_id` (string `[questions]`) and, with annotations, `answers`
        (string `[questions, annotators]`, as they are written) and, if the file has
        them, `answer` (the `multiple_choice_answer`), `question_type` and
        `answer_type` (string `[questions]`). Images are read lazily.

    Raises:
        FileNotFoundError: if a JSON file or an image does not exist.
        ValueError: if a JSON file does not have this form, a question is empty,
            duplicated, or in one of the files only, or the questions do not all have
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
    asked, subset = read_vqa_questions(path)
    if not asked:
        raise ValueError(f"{path} has no questions.")
    columns = {
        "question_id": list(asked),
        "question": [row["question"] for row in asked.values()],
    }
    if annotations is not None:
        columns |= _read_annotations(pathlib.Path(annotations), path, asked)
    numbers = [row["image_id"] for row in asked.values()]
    found = find_coco_images(images, subset, set(numbers))
    _require_images(found, asked, images, path)
    return _group(numbers, found, columns).datasets(validation_fraction, seed)


def open_vqa(
    path: str,
    images: str,
    annotations: str | None = None,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Opens `vqa:FILE` of `open_samples`.

    Args:
        path: string, path of the questions.
        images: string, folder of the images.
        annotations: string, path of the annotations, or `None`.
        validation_fraction: float, as in `from_vqa`.
        seed: int, the seed of the split.
    """
    return from_vqa(path, annotations, images, validation_fraction, seed)


def _read_annotations(path, questions, asked) -> dict[str, list]:
    annotations = read_vqa_annotations(path)
    _require_same(asked, annotations, questions, path)
    first = annotations[next(iter(asked))]
    names = {"answers": "answers"}
    names |= {name: key for name, key in _OPTIONAL.items() if name in first}
    annotators = len(first["answers"])
    columns: dict[str, list] = {key: [] for key in names.values()}
    for question_id in asked:
        row = annotations[question_id]
        place = f"{path} (question_id {question_id})"
        if len(row["answers"]) != annotators:
            raise ValueError(
                f"{place} has {len(row['answers'])} answers, and the first question "
                f"has {annotators}. Every question needs the same number."
            )
        for name, key in names.items():
            if name not in row:
                raise ValueError(
                    f"{place} has no {name!r}, which the first question has. Give it "
                    "to all questions, or to none."
                )
            columns[key].append(row[name])
    return columns


def _require_same(asked, annotations, questions, path) -> None:
    remedy = "Give the two files of the same split."
    for question_id, row in asked.items():
        if question_id not in annotations:
            raise ValueError(
                f"{path} has no annotation of question_id {question_id}, which is in "
                f"{questions}. {remedy} For a test split give annotations=None."
            )
        image = annotations[question_id].get("image_id")
        if image is None:
            raise ValueError(
                f"{path} (question_id {question_id}) has no 'image_id', by which it "
                f"is compared with {questions}. Add it, or delete the row."
            )
        if image != row["image_id"]:
            raise ValueError(
                f"{path} has question_id {question_id} for the image {image}, and "
                f"{questions} has it for {row['image_id']}. {remedy}"
            )
    if len(annotations) > len(asked):
        unknown = next(key for key in annotations if key not in asked)
        raise ValueError(
            f"{path} has an annotation of question_id {unknown}, which is not in "
            f"{questions}. {remedy}"
        )


def _require_images(found, asked, images, path) -> None:
    for question_id, row in asked.items():
        if row["image_id"] not in found:
            number = row["image_id"].zfill(12)
            raise FileNotFoundError(
                f"{path} (question_id {question_id}) asks about the image "
                f"{row['image_id']}, and {images} has no file of it, such as "
                f"COCO_val2014_{number}.jpg or {number}.jpg. Give the folder of the "
                "images of this split as `images`."
            )


def _group(numbers, found, columns) -> ImageTable:
    places: dict[str, list[int]] = {}
    for place, number in enumerate(numbers):
        places.setdefault(number, []).append(place)
    grouped = {
        key: [[values[place] for place in of_image] for of_image in places.values()]
        for key, values in columns.items()
    }
    return ImageTable(list(places), [found[n] for n in places], grouped)
