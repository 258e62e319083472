from __future__ import annotations

import collections
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from mmkeras.data import batch_samples

if TYPE_CHECKING:
    from mmkeras.models import Predictions
    from mmkeras.models.questions.question_task import QuestionTask

_TYPES = ("question_type", "answer_type")


def evaluate_visual_qa(predictions: Predictions) -> dict:
    """`visual_qa_report` as an evaluator.

    Args:
        predictions: a `Predictions`.
    """
    return visual_qa_report(
        predictions.task, predictions.dataset, predictions.batch_size
    )


def visual_qa_report(
    vqa: QuestionTask, dataset: tf.data.Dataset, batch_size: int = 32
) -> dict:
    """Reports the accuracy by kind of question and by what the model is shown.

    Questions often give their answers away ("what colour is the banana?"). The
    accuracy without images, or with the images of other questions, is what the model
    knows from the questions alone.

    Args:
        vqa: a `VisualQA` or a `GenerativeVisualQA`.
        dataset: a `tf.data.Dataset` of sample dicts, batched or not.
        batch_size: int, for a dataset that is not batched.

    Returns:
        dict: `questions`, int, their number; `accuracy`, float, the mean score of the
        answers; `without_image`, that with all images removed; `shuffled_images`,
        that with each image in the place of the next; `without_question`, that with
        all questions removed. If the samples have these, `by_question_type` and
        `by_answer_type`, dicts of `{"accuracy": ..., "questions": ...}` by type; and
        if a modality may be missing, `by_modalities`, the same by what is present:
        `"image+question"`, `"image"`, `"question"`, `"none"`.

    Reference:
        - [Goyal et al., 2017](https://arxiv.org/abs/1612.00837) (language priors)
    """
    totals: dict[str, collections.Counter] = collections.defaultdict(
        collections.Counter
    )
    kinds: dict[str, dict] = collections.defaultdict(
        lambda: collections.defaultdict(list)
    )
    encode, grade = _graphs(vqa)
    last = None
    for batch in batch_samples(dataset, batch_size):
        inputs, labels, weights = vqa.preprocessor(batch)
        asked = weights.numpy() > 0
        if asked.ndim == 3:
            # A weight for each token of the answer.
            asked = np.any(asked, axis=-1)
        regions = encode(inputs)
        shifted = tf.concat([regions[-1:] if last is None else last, regions], axis=0)
        last = regions[-1:]
        variants = _variants(regions, shifted[:-1], inputs, vqa)
        for name, given in variants.items():
            found = grade(*given, labels).numpy()
            totals[name].update(right=float(found[asked].sum()), number=asked.sum())
            if name == "accuracy":
                _count_kinds(kinds, batch, found, asked)
    return _summary(totals, kinds)


def _graphs(vqa):
    backbone = vqa.backbone

    return (
        tf.function(backbone.regions_of, reduce_retracing=True, autograph=False),
        tf.function(vqa.grader(), reduce_retracing=True, autograph=False),
    )


def _variants(regions, shifted, inputs, vqa):
    token_ids, present = inputs["token_ids"], inputs["image_mask"]
    nothing = tf.fill(tf.shape(token_ids), vqa.backbone.text_encoder.pad_token_id)
    return {
        "accuracy": (regions, token_ids, present),
        "without_image": (regions, token_ids, tf.zeros_like(present)),
        "shuffled_images": (shifted, token_ids, present),
        "without_question": (regions, nothing, present),
    }


def _count_kinds(kinds, batch, found, asked) -> None:
    for key in _TYPES:
        if key in batch:
            named = _dense(batch[key], asked)
            for name, score in zip(named[asked], found[asked], strict=True):
                kinds[f"by_{key}"][name.decode("utf-8")].append(score)
    if "image_present" in batch or "question_present" in batch:
        there = _modalities(batch, asked)
        for name, score in zip(there[asked], found[asked], strict=True):
            kinds["by_modalities"][name].append(score)


def _dense(values, asked):
    if isinstance(values, tf.RaggedTensor):
        values = values.to_tensor()
    return np.reshape(values.numpy(), (len(asked), -1))[:, : asked.shape[1]]


def _modalities(batch, asked):
    image, question = np.ones_like(asked), np.ones_like(asked)
    if "image_present" in batch:
        image &= batch["image_present"].numpy()[:, np.newaxis]
    if "question_present" in batch:
        question = _dense(batch["question_present"], asked)
    names = [["none", "question"], ["image", "image+question"]]
    return np.array(names, object)[image.astype(int), question.astype(int)]


def _summary(totals, kinds) -> dict:
    numbers = totals["accuracy"]["number"]
    report = {"questions": int(numbers)}
    for name, total in totals.items():
        report[name] = float(total["right"] / numbers) if numbers else float("nan")
    for key, found in kinds.items():
        report[key] = {
            name: {"accuracy": float(np.mean(scores)), "questions": len(scores)}
            for name, scores in sorted(found.items())
        }
    return report
