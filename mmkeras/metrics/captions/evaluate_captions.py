from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence

from mmkeras.metrics.captions.bleu import bleu
from mmkeras.metrics.captions.caption_references import CaptionReferences
from mmkeras.metrics.captions.cider_d import cider_d
from mmkeras.metrics.captions.hypothesis_counts import HypothesisCounts
from mmkeras.metrics.captions.meteor_exact_stem import meteor_exact_stem
from mmkeras.metrics.captions.official_score import official_score
from mmkeras.metrics.captions.official_scorers import official_scorers
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
    """The official scores of captions, without Java.

    BLEU, ROUGE_L and CIDEr-D are those of `pycocoevalcap`, to 1e-9, which calls the
    last CIDEr. METEOR and SPICE come from the official jars, where Java and
    `pip install "mmkeras[java-metrics]"` are there, SPICE also asking for its models.
    METEOR-exact-stem is a variant in Python, not to be compared with METEOR.

    Args:
        references: dict from the id of an image to its captions, or
            `CaptionReferences`, which are counted once for many evaluations.
        hypotheses: dict from the id of an image to the caption to judge. An empty one
            scores as the official tool has it.
        metrics: names among `"BLEU-1"` to `"BLEU-4"`, `"METEOR"`,
            `"METEOR-exact-stem"`, `"ROUGE_L"`, `"CIDEr-D"` and `"SPICE"`; by default
            BLEU, ROUGE_L and CIDEr-D, and METEOR and SPICE where they can be had.
        per_image: bool. Also return the scores of each image.
        tokenizer: as in `CaptionReferences`; not used if those are given.
        allow_missing: bool. Judge the images that are on both sides, and warn of how
            many are not, rather than raise.

    Returns:
        Dict from the name of a metric to a float, and with `per_image` also from
        `"per_image"` to a dict from id to a dict from metric to float.

    Raises:
        ValueError: if an id is missing on one side, or a metric is not known.
        TypeError: if a caption is not a string.
        ImportError: if a metric asks for what is not installed.

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
    tokenised = references.tokenizer(captions)
    scores: dict = {}
    for name, (value, values) in _scores(references, tokenised, names).items():
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
        there = official_scorers()
        return [
            name
            for name in _METRICS
            if name != "METEOR-exact-stem" and (name not in _OFFICIAL or name in there)
        ]
    unknown = [name for name in metrics if name not in _METRICS]
    if unknown or isinstance(metrics, str):
        raise ValueError(
            f"`metrics` must be a list of names among {', '.join(_METRICS)}. "
            f"Received: {metrics!r}."
        )
    return list(metrics)


def _matched(references, hypotheses, allow_missing) -> CaptionReferences:
    unjudged = [name for name in references.ids if name not in hypotheses]
    unknown = [name for name in hypotheses if name not in references.captions]
    if not unjudged and not unknown:
        return references
    told = (
        f"{_some(unjudged)} without a caption to judge, {_some(unknown)} without "
        "references"
    )
    if not allow_missing:
        raise ValueError(
            f"The ids of both sides differ: {told}. Ids must be of one type, too; "
            "`allow_missing=True` judges the images that both have."
        )
    common = [name for name in references.ids if name in hypotheses]
    if not common:
        raise ValueError(f"The two sides have no id in common: {told}.")
    warnings.warn(f"Images left out: {told}; {len(common)} judged.", stacklevel=3)
    return references.subset(common) if unjudged else references


def _some(ids: list) -> str:
    shown = ", ".join(map(repr, ids[:3])) + (", ..." if len(ids) > 3 else "")
    return f"{len(ids)} ({shown})" if ids else "0"


def _caption(image_id, caption) -> str:
    if not isinstance(caption, str):
        raise TypeError(
            f"The caption of image {image_id!r} is not a string: {caption!r}."
        )
    return caption


def _scores(references: CaptionReferences, tokenised: list[str], names) -> dict:
    scores: dict = {}
    if any(name in (*_BLEU, "CIDEr-D") for name in names):
        statistics = references.statistics
        counts = HypothesisCounts.of([text.split() for text in tokenised], statistics)
        corpus, images = bleu(statistics, counts)
        for order, name in enumerate(_BLEU):
            scores[name] = corpus[order], images[:, order]
        scores["CIDEr-D"] = cider_d(statistics, counts)
    if "ROUGE_L" in names:
        words = [text.split(" ") for text in tokenised]
        scores["ROUGE_L"] = rouge_l(references.words, words)
    if "METEOR-exact-stem" in names:
        scores["METEOR-exact-stem"] = meteor_exact_stem(references.words, tokenised)
    for name in _OFFICIAL:
        if name in names:
            scores[name] = official_score(name, references.tokenised, tokenised)
    return {name: scores[name] for name in names}
