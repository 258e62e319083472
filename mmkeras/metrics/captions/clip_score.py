from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def clip_score(
    image_embeddings: np.ndarray,
    caption_embeddings: np.ndarray,
    reference_embeddings: Sequence[np.ndarray] | None = None,
) -> dict[str, float | np.ndarray]:
    """Computes CLIPScore and RefCLIPScore from the embeddings of any dual encoder.

    The score of a caption is `2.5 max(cos(caption, image), 0)`. With references,
    RefCLIPScore is its harmonic mean with the best `max(cos(caption, reference), 0)`.
    Scores of different encoders are not comparable: report the encoder with the score.

    Args:
        image_embeddings: float `[captions, dim]`, normalized or not.
        caption_embeddings: float `[captions, dim]`.
        reference_embeddings: sequence of float `[references, dim]`, one for each
            caption, or `None`.

    Returns:
        Dict of `"CLIPScore"`, the mean, and `"per_caption"`, float64 `[captions]`; with
        references also of `"RefCLIPScore"` and `"per_caption_with_references"`.

    Raises:
        ValueError: if the shapes do not match, there is nothing to score, or a value
            is not finite; the message names the row.

    Reference:
        - [Hessel et al., 2021](https://arxiv.org/abs/2104.08718)
    """
    images = _directions(image_embeddings, "image_embeddings")
    captions = _directions(caption_embeddings, "caption_embeddings")
    if images.shape != captions.shape or not len(images):
        raise ValueError(
            "`image_embeddings` and `caption_embeddings` must have the same shape and "
            f"at least one row. Received: {images.shape} and {captions.shape}."
        )
    scores = 2.5 * np.maximum(np.sum(images * captions, axis=1), 0)
    result = {"CLIPScore": float(scores.mean()), "per_caption": scores}
    if reference_embeddings is None:
        return result
    nearest = _nearest_references(captions, reference_embeddings)
    total = scores + nearest
    both = np.zeros_like(total)
    np.divide(2 * scores * nearest, total, out=both, where=total > 0)
    return {
        **result,
        "RefCLIPScore": float(both.mean()),
        "per_caption_with_references": both,
    }


def _nearest_references(captions, reference_embeddings) -> np.ndarray:
    if len(reference_embeddings) != len(captions):
        raise ValueError(
            "`reference_embeddings` must have an array for each of "
            f"{len(captions)} captions. Received: {len(reference_embeddings)} arrays."
        )
    rows = enumerate(zip(captions, reference_embeddings, strict=True))
    return np.array([_nearest(caption, found, row) for row, (caption, found) in rows])


def _nearest(caption, references, row) -> float:
    references = _directions(references, f"reference_embeddings[{row}]")
    if references.shape[1:] != caption.shape or not len(references):
        raise ValueError(
            f"`reference_embeddings[{row}]` must be [references, {len(caption)}], with "
            f"at least one. Received: {references.shape}."
        )
    return max(float(np.max(references @ caption)), 0.0)


def _directions(embeddings, name) -> np.ndarray:
    embeddings = np.asarray(embeddings, "float64")
    if embeddings.ndim != 2:
        raise ValueError(
            f"`{name}` must be [rows, dim]. Received: shape={embeddings.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if bad.size:
        raise ValueError(f"`{name}` has a number that is not finite in row {bad[0]}.")
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return embeddings / np.maximum(norms, 1e-12)
