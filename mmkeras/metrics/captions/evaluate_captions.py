from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence

from mmkeras.metrics.captions.bleu import bleu
from mmkeras.metrics.captions.caption_references import CaptionReferences
from mmkeras.metrics.captions.cider_d import cider_d
from mmkeras.metrics.captions.meteor_exact_stem import meteor_exact_stem
from mmkeras.metrics.captions.ngram_counts import HypothesisCounts
from mmkeras.metrics.captions.official_score import official_score, official_scorers
from mmkeras.metrics.captions.rouge_l import rouge_l

_BLEU = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")
_OFFICIAL = ("METEOR", "SPICE")
_METRICS = (*_BLEU, "METEOR", "METEOR-exact-stem", "ROUGE_L", "CIDEr-D", "SPICE")


def evaluate_captions(
    references: Mapping[Hashable, Sequence[str]] | CaptionReferences,
    hypotheses: Mapping[Hashable, str],
    metrics: Sequence[str] | None = None,
    per_image: bool = False,
    tokenizer: str | Callable[[Sequence[str]], list[str]] = "ptb",
    allow_missing: bool = False,
) -> dict:
    """Computes the official scores of captions.

    BLEU, ROUGE_L and CIDEr-D equal those of `pycocoevalcap` to 1e-9 (it calls the last
    one CIDEr), without Java. METEOR and SPICE are computed by the official jars, if
    Java and `pip install "mmkeras[java-metrics]"` are installed; SPICE also needs its
    models. METEOR-exact-stem is a variant in Python whose scores are not comparable
    with METEOR.

    Args:
        references: dict from image id to its captions, a list of strings, or
            `CaptionReferences`, which are counted once for many evaluations.
        hypotheses: dict from image id to its generated caption. An empty caption is
            scored as by the official tool.
        metrics: sequence of names among `"BLEU-1"` to `"BLEU-4"`, `"METEOR"`,
            `"METEOR-exact-stem"`, `"ROUGE_L"`, `"CIDEr-D"` and `"SPICE"`; by default
            BLEU, ROUGE_L, CIDEr-D, and METEOR and SPICE if they are installed.
        per_image: bool, whether to return also the scores of each image.
        tokenizer: as in `CaptionReferences`; not used if those are given.
        allow_missing: bool, whether to evaluate only the images on both sides, with a
            warning that counts the others.

    Returns:
        Dict from metric to score, a float; with `per_image` also from `"per_image"` to
        a dict from image id to a dict from metric to score.

    Raises:
        ValueError: if an id is missing on one side, or a metric is unknown.
        TypeError: if a caption is not a string.
        ImportError: if a metric needs a package that is not installed.

    Example:
        ```python
        mmkeras.metrics.evaluate_captions(
            {"1": ["A dog runs.", "A brown dog is running."], "2": ["A cat."]},
            {"1": "a dog is running", "2": "a cat sits"},
        )["CIDEr-D"]
        ```

    Reference:
        - [Chen et al., 2015](https://arxiv.org/abs/1504.00325)
    """
    names = _names(metrics)
    if not isinstance(references, CaptionReferences):
        references = CaptionReferences(references, tokenizer)
    references = _matched(references, hypotheses, allow_missing)
    captions = [_caption(image_id, hypotheses[image_id]) for image_id in references.ids]
    tokenized = references.tokenizer(captions)
    scores: dict = {}
    for name, (value, values) in _scores(references, tokenized, names).items():
        scores[name] = (float(value), [float(v) for v in values])
    results: dict = {name: scores[name][0] for name in names}
    if per_image:
        results["per_image"] = {
            image_id: {name: scores[name][1][place] for name in names}
            for place, image_id in enumerate(references.ids)
        }
    return results


def _names(metrics: Sequence[str] | None) -> list[str]:
    if metrics is None:
        installed = official_scorers()
        absent = {"METEOR-exact-stem", *_OFFICIAL} - set(installed)
        return [name for name in _METRICS if name not in absent]
    unknown = [name for name in metrics if name not in _METRICS]
    if unknown or isinstance(metrics, str):
        raise ValueError(
            f"`metrics` must be a list of names among {', '.join(_METRICS)}. "
            f"Received: {metrics!r}."
        )
    return list(metrics)


def _matched(references, hypotheses, allow_missing) -> CaptionReferences:
    missing = [name for name in references.ids if name not in hypotheses]
    unknown = [name for name in hypotheses if name not in references.captions]
    if not missing and not unknown:
        return references
    difference = (
        f"{_some(missing)} without a caption, {_some(unknown)} without references"
    )
    if not allow_missing:
        raise ValueError(
            f"The ids of `references` and `hypotheses` differ: {difference}. An int is "
            "not equal to a string. `allow_missing=True` evaluates the images on both "
            "sides."
        )
    common = [name for name in references.ids if name in hypotheses]
    if not common:
        raise ValueError(
            f"`references` and `hypotheses` have no id in common: {difference}."
        )
    warnings.warn(
        f"Images ignored: {difference}; {len(common)} evaluated.", stacklevel=3
    )
    return references.subset(common) if missing else references


def _some(ids: list) -> str:
    shown = ", ".join(map(repr, ids[:3])) + (", ..." if len(ids) > 3 else "")
    return f"{len(ids)} ({shown})" if ids else "0"


def _caption(image_id, caption) -> str:
    if not isinstance(caption, str):
        raise TypeError(
            f"The caption of image {image_id!r} is not a string: {caption!r}."
        )
    return caption


def _scores(references: CaptionReferences, tokenized: list[str], names) -> dict:
    scores: dict = {}
    if any(name in (*_BLEU, "CIDEr-D") for name in names):
        statistics = references.statistics
        counts = HypothesisCounts.of([text.split() for text in tokenized], statistics)
        corpus, images = bleu(statistics, counts)
        for order, name in enumerate(_BLEU):
            scores[name] = corpus[order], images[:, order]
        scores["CIDEr-D"] = cider_d(statistics, counts)
    if "ROUGE_L" in names:
        words = [text.split(" ") for text in tokenized]
        scores["ROUGE_L"] = rouge_l(references.words, words)
    if "METEOR-exact-stem" in names:
        scores["METEOR-exact-stem"] = meteor_exact_stem(references.words, tokenized)
    for name in _OFFICIAL:
        if name in names:
            scores[name] = official_score(name, references.tokenized, tokenized)
    return {name: scores[name] for name in names}
