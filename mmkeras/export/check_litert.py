from __future__ import annotations

import os

from mmkeras.export.precisions import LEAST_IDENTICAL
from mmkeras.models import GenerativeVisualQA
from mmkeras.runtime import LiteRTCaptioner, LiteRTVisualQA

# How far the score of an answer may be off, where it is not quantised.
_SCORES_OFF = {"float32": 0.01, "float16": 0.05}


def check_litert(
    path: str | os.PathLike,
    task,
    samples: list[tuple],
    precision: str,
    stepwise: bool = False,
    min_identical: float | None = None,
    **options,
) -> float:
    """Runs a LiteRT file on samples and compares what it says with the task.

    Args:
        path: path of the file.
        task: the task that it was made of.
        samples: list of a picture, uint8 `[height, width, 3]` of the model's size, and
            a question or `None`.
        precision: string, of the file.
        stepwise: bool, whether the file is stepwise.
        min_identical: float, the least share of samples with the same text; `None`
            for that of the precision, `LEAST_IDENTICAL`.
        **options: of the decoding.

    Returns:
        float, the share of samples with the same text.

    Raises:
        ValueError: if the share is less, or a score differs by more than the precision
            explains. The message names the first sample.
    """
    if min_identical is None:
        min_identical = LEAST_IDENTICAL[precision]
    ask = _runner(path, task, stepwise)
    wanted = _wanted(task, samples, options)
    identical, first = 0, None
    for number, (sample, (text, score)) in enumerate(zip(samples, wanted, strict=True)):
        found, found_score = ask(*sample)
        off = 0.0 if found_score is None else abs(found_score - score)
        same = found == text and off <= _SCORES_OFF.get(precision, float("inf"))
        identical += same
        if not same and first is None:
            first = (
                f"sample {number}: {found!r} ({found_score}), not {text!r} ({score})"
            )
    share = identical / len(samples)
    if share < min_identical:
        raise ValueError(
            f"The LiteRT file of precision {precision} says the same as the model for "
            f"{identical} of {len(samples)} samples, where {min_identical:.0%} are "
            f"asked for. {first}. No file was written. Take another `precision`, or "
            "accept less with `min_identical`."
        )
    return share


def _runner(path, task, stepwise):
    if task.asks:
        vqa = LiteRTVisualQA(path)
        return lambda picture, question: vqa.answer(picture, question, top_k=1)[0]
    captioner = LiteRTCaptioner(path)
    if stepwise:
        return lambda picture, _: (captioner.caption(picture), None)

    def caption(picture, _):
        found = captioner.caption(picture, return_scores=True)
        return found[0] if isinstance(found, list) else found

    return caption


def _wanted(task, samples, options) -> list[tuple[str, float]]:
    pictures = [picture for picture, _ in samples]
    if not task.asks:
        found = task.generate(pictures, return_scores=True, **options)
    else:
        questions = [question for _, question in samples]
        more = {"top_k": 1}
        if isinstance(task, GenerativeVisualQA):
            more = {"return_scores": True, **options}
        found = task.answer(pictures, questions, **more)
    return [row[0] if isinstance(row, list) else row for row in found]
