from __future__ import annotations

import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.data.transforms.listed_texts import listed_texts


def written_answers(
    vqa, dataset: tf.data.Dataset, batch_size: int = 32
) -> dict[str, str]:
    """The answers of a model by the ids of the questions, for a file of results.

    Args:
        vqa: a `VisualQA` or a `GenerativeVisualQA`.
        dataset: a `tf.data.Dataset` of sample dicts with `image`, `question` and
            `question_id`; answers are not needed.
        batch_size: int, for a dataset that is not batched yet.

    Returns:
        dict from `question_id` to the answer, in the order of the dataset.

    Raises:
        ValueError: if the samples have no `question_id`, or an id stands twice.
    """
    spec = dataset.element_spec
    if not isinstance(spec, dict) or "question_id" not in spec:
        raise ValueError(
            "A file of results names each question: the samples need 'question_id', "
            "as those of `mmkeras.data.from_vqa` have."
        )
    answers: dict[str, str] = {}
    for batch in batch_samples(dataset, batch_size):
        asked, names = (listed_texts(batch[key]) for key in ("question", "question_id"))
        found = vqa.answer(batch["image"], asked)
        for row, given in zip(names, found, strict=True):
            for name, answer in zip(row, given, strict=True):
                if name in answers:
                    raise ValueError(f"The question_id {name} stands twice.")
                answers[name] = answer
    return answers
