from __future__ import annotations

import numbers
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from mmkeras.data.is_batched import is_batched
from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.transforms.encode_image import encode_image

_MODALITIES = ("image", "question")


def drop_modalities(
    dataset: tf.data.Dataset,
    fractions: Mapping[str, float],
    seed: int = 0,
    per_question: bool = False,
) -> tf.data.Dataset:
    """Takes the picture or the question from a share of the samples.

    What is dropped is drawn from the seed and the place of the sample in the dataset,
    each modality on its own: each pass drops the same, if the samples come in the same
    order (shuffle afterwards), and a larger fraction drops what a smaller one does,
    and more.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, not batched.
        fractions: dict from `"image"` or `"question"` to the share of samples that are
            left without, from 0 to 1: each is, with this probability.
        seed: int.
        per_question: bool, whether each question of a picture is dropped or kept on
            its own, or all of them together.

    Returns:
        A `tf.data.Dataset` of the samples with, for each modality of `fractions`, bool
        `image_present` (scalar) or `question_present` (of the shape of `question`).
        Where it is False, the picture or the question is an empty string. Answers
        stay. Pictures that were uint8 are encoded as PNG.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if a modality is unknown or no sample has it, a fraction is out of
            range, `seed` is no integer, or the dataset is batched.

    Example:
        ```python
        test = mmkeras.data.drop_modalities(test, {"image": 0.1, "question": 0.1})
        ```
    """
    require_dataset(dataset)
    _check_fractions(fractions)
    _check_seed(seed)
    _check_spec(dataset.element_spec, fractions)

    def drop(index, sample):
        for number, modality in enumerate(_MODALITIES):
            if modality in fractions:
                draw = tf.random.fold_in([seed, number], index, alg="philox")
                whole = modality == "image" or not per_question
                kept = _draw(draw, sample[modality], fractions[modality], whole)
                sample = _keep(sample, modality, kept)
        return sample

    if "image" in fractions:
        dataset = dataset.map(encode_image, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.enumerate().map(drop, num_parallel_calls=tf.data.AUTOTUNE)


def _draw(seed, values, fraction, whole) -> tf.Tensor:
    """Bool of the shape of `values`: what is kept."""
    shape = tf.shape(values)
    drawn = tf.random.stateless_uniform([] if whole else shape, seed, alg="philox")
    return tf.broadcast_to(drawn >= fraction, shape)


def _keep(sample: dict, modality: str, kept: tf.Tensor) -> dict:
    key = f"{modality}_present"
    kept &= sample.get(key, True)
    return {**sample, modality: tf.where(kept, sample[modality], ""), key: kept}


def _check_seed(seed) -> None:
    if not isinstance(seed, (int, np.integer)):
        raise ValueError(
            "`seed` must be an integer: what is dropped is the same at each pass. "
            f"Received: seed={seed!r}."
        )


def _check_fractions(fractions) -> None:
    if not isinstance(fractions, Mapping):
        raise ValueError(
            "`fractions` must be a dict of the share of each modality, e.g. {'image': "
            f"0.1, 'question': 0.1}}. Received: fractions={fractions!r}."
        )
    for modality, fraction in fractions.items():
        if modality not in _MODALITIES:
            raise ValueError(
                f"`fractions` has the modality {modality!r}; it may have "
                f"{' and '.join(map(repr, _MODALITIES))}."
            )
        if not isinstance(fraction, numbers.Real) or not 0 <= fraction <= 1:
            raise ValueError(
                "A fraction must be a number from 0 to 1, e.g. 0.1. Received: "
                f"fractions[{modality!r}]={fraction!r}."
            )


def _check_spec(spec, fractions) -> None:
    missing = [m for m in fractions if not isinstance(spec, dict) or m not in spec]
    if missing:
        raise ValueError(
            f"The samples have no {missing[0]!r} to drop. Received elements of: {spec}."
        )
    if ("image" in spec or "image_features" in spec) and is_batched(spec):
        raise ValueError(
            "Drop modalities before the samples are batched: this dataset has "
            f"batches. Received elements of: {spec}."
        )
