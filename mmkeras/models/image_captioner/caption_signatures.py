from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding import DecodingOptions


def caption_signatures(
    task, n_best: int = 3, **options
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """What a captioner answers when it is served.

    - `serving_default`: `caption` string `[batch]`, `score` float32 `[batch]`,
      `error` string `[batch]`.
    - `n_best`: `captions` string `[batch, n_best]`, `scores` float32
      `[batch, n_best]`, `error`; by beam search with at least `n_best` beams, or
      draws as many.
    - `token_ids`: `token_ids` int32 and `token_scores` float32 `[batch, max_length]`,
      `score`, `error`.

    Args:
        task: an `ImageCaptioner`.
        n_best: int, captions of the signature `n_best`.
        **options: of `mmkeras.decoding.DecodingOptions` but for `num_sequences`, for
            all signatures.

    Returns:
        dict of a function and the specifications of its inputs, here `image_bytes`,
        by the name of the signature.

    Raises:
        ValueError: if an option is out of range.
    """
    if not isinstance(n_best, int) or n_best < 1:
        raise ValueError(
            f"`n_best` must be an integer of at least 1. Received: n_best={n_best!r}."
        )
    if "num_sequences" in options:
        raise ValueError(
            "An export has one caption in `serving_default` and several in the "
            "signature `n_best`: give `n_best` in place of `num_sequences`. Received: "
            f"num_sequences={options['num_sequences']!r}."
        )
    best = task.generator(**options)
    several = task.generator(**_several(options, n_best))
    serve = _Server(task)
    inputs = [tf.TensorSpec([None], tf.string, name="image_bytes")]
    return {
        "serving_default": (
            lambda image_bytes: serve.caption(best, image_bytes),
            inputs,
        ),
        "n_best": (
            lambda image_bytes: serve.n_best(several, image_bytes, n_best),
            inputs,
        ),
        "token_ids": (lambda image_bytes: serve.token_ids(best, image_bytes), inputs),
    }


def _several(options, n_best) -> dict:
    if DecodingOptions(**options).samples:
        return {**options, "num_sequences": n_best}
    beams = max(n_best, options.get("num_beams", 1))
    # Of groups of beams there must be as many in each.
    groups = options.get("num_beam_groups") or 1
    return {**options, "num_beams": -(-beams // groups) * groups}


class _Server:
    """The bodies of the signatures."""

    def __init__(self, task):
        self._preprocessor = task.preprocessor

    def _decode(self, generator, image_bytes):
        images, error = self._preprocessor.image_converter.convert(image_bytes)
        rows = tf.shape(images)[0]
        # Convolutions refuse an empty batch, so it is given one blank picture.
        spare = tf.maximum(1 - rows, 0)
        result = generator(tf.pad(images, [[0, spare], [0, 0], [0, 0], [0, 0]]))
        result = tf.nest.map_structure(lambda x: x[:rows], result)
        return result, error, tf.equal(error, "")

    def _texts(self, token_ids):
        return self._preprocessor.generate_postprocess(token_ids)

    def caption(self, generator, image_bytes):
        result, error, fine = self._decode(generator, image_bytes)
        texts = self._texts(result.token_ids[:, 0])
        return {
            "caption": tf.where(fine, texts, ""),
            "score": tf.where(fine, result.scores[:, 0], 0.0),
            "error": error,
        }

    def n_best(self, generator, image_bytes, number):
        result, error, fine = self._decode(generator, image_bytes)
        fine = tf.expand_dims(fine, 1)
        ids = result.token_ids[:, :number]
        texts = self._texts(tf.reshape(ids, [-1, ids.shape[-1]]))
        texts = tf.reshape(texts, [-1, number])
        return {
            "captions": tf.where(fine, texts, ""),
            "scores": tf.where(fine, result.scores[:, :number], 0.0),
            "error": error,
        }

    def token_ids(self, generator, image_bytes):
        result, error, fine = self._decode(generator, image_bytes)
        ids = result.token_ids[:, 0]
        return {
            "token_ids": tf.where(tf.expand_dims(fine, 1), ids, 0),
            "token_scores": tf.where(
                tf.expand_dims(fine, 1), result.token_scores[:, 0], 0.0
            ),
            "score": tf.where(fine, result.scores[:, 0], 0.0),
            "error": error,
        }
