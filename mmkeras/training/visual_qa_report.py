from __future__ import annotations

import collections

import numpy as np
import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.models import GenerativeVisualQA, VisualQA

_TYPES = ("question_type", "answer_type")


def visual_qa_report(
    vqa: VisualQA | GenerativeVisualQA, dataset: tf.data.Dataset, batch_size: int = 32
) -> dict:
    """How well questions are answered, which of them, and by what.

    Questions often give their answers away ("what colour is the banana?"). What is
    left of the accuracy without the pictures, or with those of others, is what the
    model has from the questions alone.

    Args:
        vqa: a `VisualQA` or a `GenerativeVisualQA`.
        dataset: a `tf.data.Dataset` of sample dicts, batched or not.
        batch_size: int, for a dataset that is not batched yet.

    Returns:
        dict: `questions`, int, how many there are; `accuracy`, float, the mean score
        of the answers given; `without_image`, that with all pictures taken away;
        `shuffled_images`, that with each picture in the place of the next;
        `without_question`, that with all questions taken away. Where the samples have
        these, `by_question_type` and `by_answer_type`, dicts of
        `{"accuracy": ..., "questions": ...}` by type; and where some modality is said
        to be missing, `by_modalities`, the same by what is there: `"image+question"`,
        `"image"`, `"question"`, `"none"`.

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

    def encode(inputs):
        if "image_features" in inputs:
            return backbone.region_encoder(inputs["image_features"], training=False)
        return backbone.regions(inputs["images"])

    return (
        tf.function(encode, reduce_retracing=True, autograph=False),
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
