from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.decoding import DecodingOptions
from mmkeras.models.signature import row_signature

if TYPE_CHECKING:
    from mmkeras.models import ImageCaptioner


def caption_signatures(
    task: ImageCaptioner, num_sequences: int = 3, **options: Any
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """The signatures of a served captioner.

    - `serving_default`: `caption` string `[batch]`, `score` float32 `[batch]`,
      `error` string `[batch]`.
    - `n_best`: `captions` string `[batch, num_sequences]`, `scores` float32
      `[batch, num_sequences]`, `error`; by beam search with at least `num_sequences`
      beams, or by sampling.
    - `token_ids`: `token_ids` int32 and `token_scores` float32 `[batch, max_length]`,
      `score`, `error`.

    A row whose image is unreadable has empty outputs and an `error`.

    Args:
        task: an `ImageCaptioner`.
        num_sequences: int, number of captions in the signature `n_best`.
        **options: other options of `mmkeras.decoding.DecodingOptions`, for all
            signatures.

    Returns:
        dict from the name of a signature to its function and the specifications of
        its inputs, here `image_bytes`.

    Raises:
        TypeError: if an option is unknown.
        ValueError: if an option is out of range.
    """
    num_sequences = whole_number("num_sequences", num_sequences, 1)
    best = task.generator(**options)
    several = task.generator(**_several(options, num_sequences))
    detokenize = task.preprocessor.generate_postprocess

    def caption(images):
        result = best(images)
        texts = detokenize(result.token_ids[:, 0])
        return {"caption": texts, "score": result.scores[:, 0]}

    def n_best(images):
        result = several(images)
        ids = result.token_ids[:, :num_sequences]
        texts = detokenize(tf.reshape(ids, [-1, ids.shape[-1]]))
        return {
            "captions": tf.reshape(texts, [-1, num_sequences]),
            "scores": result.scores[:, :num_sequences],
        }

    def token_ids(images):
        result = best(images)
        return {
            "token_ids": result.token_ids[:, 0],
            "token_scores": result.token_scores[:, 0],
            "score": result.scores[:, 0],
        }

    bodies = {"serving_default": caption, "n_best": n_best, "token_ids": token_ids}
    return {
        name: row_signature(task.preprocessor, body) for name, body in bodies.items()
    }


def _several(options, num_sequences) -> dict:
    if DecodingOptions(**options).samples:
        return {**options, "num_sequences": num_sequences}
    beams = max(num_sequences, options.get("num_beams", 1))
    # The groups of diverse beam search must have the same number of beams.
    groups = options.get("num_beam_groups") or 1
    return {**options, "num_beams": -(-beams // groups) * groups}
