from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats import read_csv
from mmkeras.data.sources.image_path import image_path
from mmkeras.data.sources.image_table import ImageTable

_TABLE = "questions.csv"
# Read if the table has them.
_OPTIONAL = ("question_id", "question_type", "answer_type")


def from_question_csv(
    questions: str | os.PathLike,
    images: str | os.PathLike | None = None,
    image_column: str = "image",
    question_column: str = "question",
    answer_column: str | None = "answer",
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Builds a dataset from a table of images, questions and answers.

    The table is CSV in UTF-8 with a header and a row for each question:

    ```
    image,question,answer
    cat.jpg,what animal is this?,cat
    cat.jpg,"is it asleep, or awake?",asleep
    ```

    Args:
        questions: path of the table.
        images: folder of the images, from which the paths in the table start; `None`
            for the folder of the table.
        image_column: string, name of the column of images.
        question_column: string, name of the column of questions.
        answer_column: string, name of the column of answers, or `None` for a table
            without answers.
        validation_fraction: float, the fraction of the images in a second dataset, or
            `None` for one dataset.
        seed: int, the seed of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts, one for each image, in the order of
        their first rows, or two of them: `image` (string, encoded bytes), `image_id`
        (string, the path from the folder) and, for each of its questions, `question`,
        `answer` and, if the table has such columns, `question_id`, `question_type` and
        `answer_type` (string `[questions]`). Images are read lazily.

    Raises:
        FileNotFoundError: if the table, the folder or an image does not exist.
        IsADirectoryError: if a folder is given in place of the table.
        ValueError: if a column is missing or duplicated, a question or an answer is
            empty, a question about an image is duplicated, or there are no rows.

    Example:
        ```python
        train, validation = mmkeras.data.from_question_csv(
            "photos/questions.csv", validation_fraction=0.1)
        ```
    """
    table = pathlib.Path(questions)
    folder = table.parent if images is None else pathlib.Path(images)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    columns = {"image_column": image_column, "question_column": question_column}
    if answer_column is not None:
        columns["answer_column"] = answer_column
    return _read(table, folder, columns).datasets(validation_fraction, seed)


def open_question_folder(
    path: str,
    questions: str | None = None,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Opens a folder of images with questions for `open_samples`.

    Args:
        path: string, the folder.
        questions: string, path of the table, or `None` for `questions.csv` in it.
        validation_fraction: float, as in `from_question_csv`.
        seed: int, the seed of the split.
    """
    return from_question_csv(
        questions or os.path.join(path, _TABLE),
        path,
        validation_fraction=validation_fraction,
        seed=seed,
    )


def _read(table, folder, columns) -> ImageTable:
    paths: dict[str, pathlib.Path] = {}
    rows: dict[str, dict[str, dict]] = {}
    for place, row in read_csv(table, columns):
        name = row[columns["image_column"]].strip()
        image_id, path = image_path(folder, name, place)
        paths[image_id] = path
        values = _values(row, columns, place)
        of_image = rows.setdefault(image_id, {})
        if values["question"] in of_image:
            raise ValueError(
                f"{place} has a question about {image_id!r} again: "
                f"{values['question']!r}. Delete one of the rows."
            )
        of_image[values["question"]] = values
    if not paths:
        raise ValueError(f"{table} has no rows, so there is nothing to train on.")
    return _collect(paths, rows)


def _values(row, columns, place) -> dict[str, str]:
    wanted = {
        key: columns[f"{key}_column"]
        for key in ("question", "answer")
        if f"{key}_column" in columns
    }
    values = {key: row[column].strip() for key, column in wanted.items()}
    for key, value in values.items():
        if not value:
            raise ValueError(
                f"{place} has an empty {key} in the column {wanted[key]!r}. Write one, "
                "or delete the row."
            )
    return values | {key: row[key].strip() for key in _OPTIONAL if key in row}


def _collect(paths, rows) -> ImageTable:
    questions = [list(of_image.values()) for of_image in rows.values()]
    columns = {
        key: [[row[key] for row in of_image] for of_image in questions]
        for key in questions[0][0]
    }
    return ImageTable(list(paths), list(paths.values()), columns)
