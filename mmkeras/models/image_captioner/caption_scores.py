from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mmkeras.metrics import CaptionReferences, evaluate_captions

if TYPE_CHECKING:
    from mmkeras.models import Predictions

METRICS = ("BLEU-4", "ROUGE_L", "CIDEr-D")


def caption_scores(
    predictions: Predictions,
    metrics: Sequence[str] = METRICS,
    tokenizer: str | None = None,
) -> dict[str, float]:
    """Scores captions against the references of their samples.

    Args:
        predictions: a `Predictions` of a task that writes captions; the samples have
            `captions` or `caption`.
        metrics: names of metrics, as `mmkeras.metrics.evaluate_captions` accepts them.
        tokenizer: string, as `mmkeras.metrics.CaptionReferences` accepts it; `None`
            for `"characters"` if most references are Chinese, and `"ptb"` otherwise.

    Returns:
        dict from metric to score.
    """
    rows = predictions.rows
    references = {i: references_of(row.sample) for i, row in enumerate(rows)}
    captions = {i: str(row.output) for i, row in enumerate(rows)}
    if not rows:
        return dict.fromkeys(metrics, float("nan"))
    if tokenizer is None:
        tokenizer = tokenizer_for(t for texts in references.values() for t in texts)
    return evaluate_captions(
        CaptionReferences(references, tokenizer), captions, list(metrics)
    )


def references_of(sample: dict) -> list[str]:
    """The reference captions of a sample, without blank ones.

    Args:
        sample: dict with `captions` or `caption`.
    """
    texts = sample["captions"] if "captions" in sample else [sample["caption"]]
    return [text for text in texts if text.strip()]


def tokenizer_for(texts: Iterable[str]) -> str:
    """`"characters"` for texts that are mostly Chinese, `"ptb"` for others."""
    letters = [c for text in texts for c in text if c.isalpha()]
    han = sum("\u4e00" <= c <= "\u9fff" for c in letters)
    return "characters" if 2 * han > len(letters) else "ptb"
