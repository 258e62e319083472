from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats.csv_rows import csv_rows
from mmkeras.data.sources.image_path import image_path
from mmkeras.data.sources.questioned_images import QuestionedImages

# Taken along where the table has them.
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
    """A dataset from a table of pictures, questions and answers of one's own.

    The table is CSV in UTF-8 with a header and a row for each question:

    ```
    image,question,answer
    cat.jpg,what animal is this?,cat
    cat.jpg,"is it asleep, or awake?",asleep
    ```

    Args:
        questions: path of the table.
        images: folder of the pictures, from which their paths in the table go; `None`
            for the folder that the table is in.
        image_column: string, name of the column of pictures.
        question_column: string, name of the column of questions.
        answer_column: string, name of the column of answers, or `None` for a table
            without.
        validation_fraction: float, share of the pictures in a second dataset,
            or `None` for one dataset only.
        seed: int, of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts, one a picture, in the order of their
        first rows, or two of them: `image` (string, encoded bytes), `image_id`
        (string, the path from the folder) and, for each of its questions, `question`,
        `answer` and, where the table has such columns, `question_id`,
        `question_type` and `answer_type` (string `[questions]`). Pictures are read as
        they are needed.

    Raises:
        FileNotFoundError: if the table, the folder or a picture is not there.
        IsADirectoryError: if a folder is given in place of the table.
        ValueError: if a column is missing or there twice, a question or an answer is
            empty, a picture is asked the same twice, or there are no rows.

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


def _read(table, folder, columns) -> QuestionedImages:
    paths: dict[str, pathlib.Path] = {}
    asked: dict[str, dict[str, dict]] = {}
    for place, row in csv_rows(table, columns):
        name = row[columns["image_column"]].strip()
        image_id, path = image_path(folder, name, place)
        paths[image_id] = path
        values = _values(row, columns, place)
        rows = asked.setdefault(image_id, {})
        if values["question"] in rows:
            raise ValueError(
                f"{place} asks {image_id!r} again: {values['question']!r}. Delete one "
                "of the rows."
            )
        rows[values["question"]] = values
    if not paths:
        raise ValueError(f"{table} has no rows, so there is nothing to train on.")
    return _collect(paths, asked)


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


def _collect(paths, asked) -> QuestionedImages:
    rows = [list(rows.values()) for rows in asked.values()]
    columns = {key: [[row[key] for row in some] for some in rows] for key in rows[0][0]}
    return QuestionedImages(list(paths), list(paths.values()), columns)
