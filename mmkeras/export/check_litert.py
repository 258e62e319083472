from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmkeras.export.precisions import MIN_IDENTICAL

if TYPE_CHECKING:
    from mmkeras.models import Task

# The largest difference of scores, where the weights are not quantized.
_SCORE_TOLERANCE = {"float32": 0.01, "float16": 0.05}


def check_litert(
    path: str | os.PathLike,
    task: Task,
    samples: Sequence[Mapping[str, Any]],
    precision: str,
    min_identical: float | None = None,
    compare_scores: bool = True,
    **options: Any,
) -> float:
    """Runs a LiteRT file on samples and compares its outputs with the task's.

    Args:
        path: path of the file.
        task: the task that it was made from.
        samples: sequence of sample dicts, as `litert_samples` returns them.
        precision: string, the precision of the file.
        min_identical: float, minimum share of samples with the same output; `None`
            for that of the precision, `MIN_IDENTICAL`.
        compare_scores: bool, whether the outputs of the file have scores.
        **options: options of the task's verb.

    Returns:
        float, the share of samples with the same output.

    Raises:
        ValueError: if the share is smaller, or a score differs by more than the
            precision explains. The message names the first such sample.
    """
    if min_identical is None:
        min_identical = MIN_IDENTICAL[precision]
    spec = task.spec
    run = getattr(spec.load_runner()(path), spec.output)
    expected = task.predict_samples(samples, **options)
    tolerance = _SCORE_TOLERANCE.get(precision, float("inf"))
    identical, first = 0, None
    for number, (sample, wanted) in enumerate(zip(samples, expected, strict=True)):
        found = run(*(sample[key] for key in spec.inputs))
        same = found == wanted
        if same and compare_scores:
            same = _scores_differ_by(found, wanted) <= tolerance
        identical += same
        if not same and first is None:
            first = f"Sample {number}: {_shown(found)} instead of {_shown(wanted)}"
    share = identical / len(samples)
    if share < min_identical:
        raise ValueError(
            f"The LiteRT file of precision {precision} gives the same output as the "
            f"model for {identical} of {len(samples)} samples; {min_identical:.0%} are "
            f"required. {first}. No file was written. Choose another `precision`, "
            "or lower `min_identical`."
        )
    return share


def _scores_differ_by(found, wanted) -> float:
    pairs = zip(_scores(found), _scores(wanted), strict=True)
    return max((abs(a - b) for a, b in pairs), default=0.0)


def _scores(result) -> list[float]:
    """The scores of a prediction, or of the best of several predictions."""
    results = result[:1] if isinstance(result, list) else [result]
    scores = [getattr(one, "score", None) for one in results]
    return [score for score in scores if score is not None]


def _shown(result) -> str:
    scores = _scores(result)
    return f"{result!r} ({scores[0]})" if scores else repr(result)
