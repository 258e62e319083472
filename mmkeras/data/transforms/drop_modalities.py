from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence

import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.data.modalities import MODALITIES, is_batched
from mmkeras.data.require_dataset import require_dataset
from mmkeras.preprocessing import Modality


def drop_modalities(
    dataset: tf.data.Dataset,
    fractions: Mapping[str, float],
    seed: int = 0,
    per_question: bool = False,
    modalities: Sequence[Modality] | None = None,
) -> tf.data.Dataset:
    """Removes the image or the question from a fraction of the samples.

    What is dropped depends on the seed and on the place of the sample in the dataset
    alone, for each modality independently: each pass drops the same, as long as the
    order of the samples stays the same (shuffle afterwards), and a larger fraction
    drops all that a smaller one does, and more.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, not batched.
        fractions: dict from `"image"` or `"question"` to the probability, from 0 to 1,
            with which it is dropped from a sample.
        seed: int.
        per_question: bool, whether each question of an image is dropped independently,
            or all of them together.
        modalities: sequence of `Modality`, whose keys `fractions` may have, or `None`
            for images and questions.

    Returns:
        A `tf.data.Dataset` of the samples with, for each modality of `fractions`, bool
        `image_present` (scalar) or `question_present` (of the shape of `question`).
        Where it is False, the image or the question is an empty string. Answers
        stay. Images that were uint8 are encoded as PNG.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if a modality is unknown or the samples do not have it, a fraction
            is out of range, `seed` is not an integer, or the dataset is batched.

    Example:
        ```python
        test = mmkeras.data.drop_modalities(test, {"image": 0.1, "question": 0.1})
        ```
    """
    require_dataset(dataset)
    modalities = modalities or MODALITIES
    _check_fractions(fractions, [modality.key for modality in modalities])
    seed = whole_number("seed", seed)
    _check_spec(dataset.element_spec, fractions, modalities)

    def drop(index, sample):
        for number, modality in enumerate(modalities):
            if modality.key in fractions:
                draw = tf.random.fold_in([seed, number], index, alg="philox")
                sample = _drop(
                    sample, modality, draw, fractions[modality.key], per_question
                )
        return sample

    return dataset.enumerate().map(drop, num_parallel_calls=tf.data.AUTOTUNE)


def _drop(sample, modality, draw, fraction, per_question) -> dict:
    value = modality.batchable(sample[modality.key])
    # An encoded value is a single one, whatever its shape.
    shape = [] if modality.encoded else tf.shape(value)
    drawn = tf.random.stateless_uniform(
        shape if per_question else [], draw, alg="philox"
    )
    kept = tf.broadcast_to(drawn >= fraction, shape)
    kept &= sample.get(modality.present_key, True)
    return {
        **sample,
        modality.key: modality.drop(value, kept),
        modality.present_key: kept,
    }


def _check_fractions(fractions, known) -> None:
    if not isinstance(fractions, Mapping):
        raise ValueError(
            "`fractions` must be a dict of the fraction of each modality, e.g. "
            f"{{'image': 0.1, 'question': 0.1}}. Received: fractions={fractions!r}."
        )
    for modality, fraction in fractions.items():
        if modality not in known:
            raise ValueError(
                f"`fractions` has the modality {modality!r}; it may have "
                f"{' and '.join(map(repr, known))}."
            )
        if not isinstance(fraction, numbers.Real) or not 0 <= fraction <= 1:
            raise ValueError(
                "A fraction must be a number from 0 to 1, e.g. 0.1. Received: "
                f"fractions[{modality!r}]={fraction!r}."
            )


def _check_spec(spec, fractions, modalities) -> None:
    missing = [m for m in fractions if not isinstance(spec, dict) or m not in spec]
    if missing:
        raise ValueError(
            f"The samples have no {missing[0]!r} to drop. Received elements of: {spec}."
        )
    if is_batched(spec, modalities):
        raise ValueError(
            "Drop modalities before the samples are batched: this dataset has "
            f"batches. Received elements of: {spec}."
        )
