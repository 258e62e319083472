from __future__ import annotations

import tensorflow as tf

# Of beams with this many tokens or less the largest are taken at once.
SHORT = 512
CHUNK = 128


def top_k(values: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The largest `k` values of each row of beams, best first.

    Many tokens are searched in two stages: the largest `k` values lie in the `k` chunks
    with the largest maxima, and maxima are taken many at a time where a search compares
    value by value.

    Args:
        values: float32 `[rows, beams, tokens]`, `beams` and `tokens` known, and
            `beams * tokens` at least `k`.
        k: int, at least 1.

    Returns:
        float32 and int32 `[rows, k]`, the values and their places, `beam * tokens +
        token`. Of equal values the first comes first, as of `tf.math.top_k`.
    """
    beams, tokens = values.shape[1:]
    flat = tf.reshape(values, [-1, beams * tokens])
    number = -(-tokens // CHUNK)
    if tokens <= SHORT or beams * number <= k:
        return tf.math.top_k(flat, k=k)
    maxima = tf.reshape(_maxima(values), [-1, beams * number])
    _, best = tf.math.top_k(maxima, k=k)
    # In the order of the row, for the sake of equal values.
    best = tf.expand_dims(tf.sort(best, axis=-1), -1)
    token = best % number * CHUNK + tf.range(CHUNK)
    places = best // number * tokens + tf.minimum(token, tokens - 1)
    inside = tf.gather(flat, places, batch_dims=1)
    inside = tf.where(token < tokens, inside, -float("inf"))
    found, index = tf.math.top_k(tf.reshape(inside, [-1, k * CHUNK]), k=k)
    places = tf.reshape(places, [-1, k * CHUNK])
    return found, tf.gather(places, index, batch_dims=1)


def _maxima(values):
    """The maximum of each chunk, `[rows, beams, chunks]`, the last of the rest."""
    beams, tokens = values.shape[1:]
    whole = tokens // CHUNK
    chunks = tf.reshape(values[..., : whole * CHUNK], [-1, beams, whole, CHUNK])
    maxima = tf.reduce_max(chunks, axis=-1)
    if tokens % CHUNK == 0:
        return maxima
    rest = tf.reduce_max(values[..., whole * CHUNK :], axis=-1, keepdims=True)
    return tf.concat([maxima, rest], axis=-1)
