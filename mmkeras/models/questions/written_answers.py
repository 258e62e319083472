from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from mmkeras.models.predictions import Predictions

if TYPE_CHECKING:
    from mmkeras.models.questions.question_task import QuestionTask


def written_answers(
    vqa: QuestionTask, dataset: tf.data.Dataset, batch_size: int = 32
) -> dict[str, str]:
    """The answers of a model by `question_id`, for a file of results.

    Args:
        vqa: a `VisualQA` or a `GenerativeVisualQA`.
        dataset: a `tf.data.Dataset` of sample dicts with `image`, `question` and
            `question_id`; answers are not needed.
        batch_size: int, for a dataset that is not batched.

    Returns:
        dict from `question_id` to the answer, in the order of the dataset.

    Raises:
        ValueError: if the samples have no `question_id`, or an id is duplicated.
    """
    spec = dataset.element_spec
    if not isinstance(spec, dict) or "question_id" not in spec:
        raise ValueError(
            "A file of results names each question: the samples need 'question_id', "
            "as those of `mmkeras.data.from_vqa` have."
        )
    answers: dict[str, str] = {}
    for row in Predictions(vqa, dataset, batch_size):
        names, found = row.sample["question_id"], row.output
        pairs = (
            zip(names, found, strict=True)
            if isinstance(names, list)
            else [(names, found)]
        )
        for name, answer in pairs:
            if name in answers:
                raise ValueError(f"The question_id {name} is duplicated.")
            answers[name] = str(answer)
    return answers
