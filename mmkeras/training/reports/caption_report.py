from __future__ import annotations

import base64
import dataclasses
import io
import os
import pathlib
from collections.abc import Callable, Hashable, Mapping, Sequence

from PIL import Image

from mmkeras.metrics import (
    CaptionReferences,
    caption_statistics,
    confidence_interval,
    evaluate_captions,
)
from mmkeras.training.reports.html_templates import html_templates

_EXAMPLES = 8


def caption_report(
    path: str | os.PathLike,
    references: Mapping[Hashable, Sequence[str]] | CaptionReferences,
    hypotheses: Mapping[Hashable, str],
    metrics: Sequence[str] | None = None,
    image: Callable[[Hashable], bytes | None] | None = None,
    training_captions: Sequence[str] = (),
    hallucination: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Write an HTML page that shows where a captioner fails.

    The page has the scores, with 95% confidence intervals for those that are means over
    images, statistics of the captions (length, vocabulary, diversity), and the best and
    the worst captions by CIDEr-D, with their images embedded in the page.

    Args:
        path: path of the page.
        references: dict from image id to reference captions, or `CaptionReferences`.
        hypotheses: dict from image id to generated caption.
        metrics: names of metrics, as in `evaluate_captions`.
        image: function from image id to the encoded bytes of the image, or to `None`
            if the page should not show it.
        training_captions: captions of the training set, to tell novel captions from
            copies.
        hallucination: dict of scores, as returned by `chair`.

    Returns:
        Dict from the name of a metric to its score, a float.

    Raises:
        ImportError: if jinja2 is not installed.
        ValueError: under the same conditions as `evaluate_captions`.
    """
    template = html_templates().get_template("captions.html")
    if not isinstance(references, CaptionReferences):
        references = CaptionReferences(references)
    scores = evaluate_captions(references, hypotheses, metrics, per_image=True)
    per_image = scores.pop("per_image")
    tables = {
        "Scores": _with_intervals(scores, per_image),
        "Statistics": _formatted(
            _statistics(references, hypotheses, training_captions)
        ),
    }
    if hallucination:
        tables["Hallucinated objects"] = _formatted(hallucination)
    page = template.render(
        tables=tables, rankings=_rankings(references, hypotheses, image)
    )
    pathlib.Path(path).write_text(page + "\n", "utf-8")
    return scores


@dataclasses.dataclass
class _Example:
    """A caption as the page shows it; `image` is a JPEG file in base64."""

    image_id: Hashable
    caption: str
    references: Sequence[str]
    score: float
    image: str = ""
    unreadable: bool = False


def _statistics(references, hypotheses, training_captions) -> dict[str, float]:
    tokenize = references.tokenizer
    captions = tokenize([hypotheses[name] for name in references.ids])
    return caption_statistics(captions, tokenize(list(training_captions)))


def _rankings(references, hypotheses, image) -> dict[str, list[_Example]]:
    ranking = evaluate_captions(references, hypotheses, ["CIDEr-D"], per_image=True)
    scores = {name: row["CIDEr-D"] for name, row in ranking["per_image"].items()}
    order = sorted(references.ids, key=scores.get)
    examples = {
        name: _example(
            name, hypotheses[name], references.captions[name], scores[name], image
        )
        for name in {*order[:_EXAMPLES], *order[-_EXAMPLES:]}
    }
    return {
        "Worst by CIDEr-D": [examples[name] for name in order[:_EXAMPLES]],
        "Best by CIDEr-D": [examples[name] for name in order[::-1][:_EXAMPLES]],
    }


def _with_intervals(scores, per_image) -> list[tuple[str, str]]:
    rows = []
    for name, value in scores.items():
        text = f"{value:.4f}"
        if not name.startswith(("BLEU", "METEOR")):
            low, high = confidence_interval([row[name] for row in per_image.values()])
            text += f" ({low:.4f} to {high:.4f})"
        rows.append((name, text))
    return rows


def _formatted(values: Mapping[str, float]) -> list[tuple[str, str]]:
    return [
        (name, f"{value:.4f}" if isinstance(value, float) else str(value))
        for name, value in values.items()
    ]


def _example(image_id, caption, references, score, image) -> _Example:
    example = _Example(image_id, caption, references, score)
    data = image(image_id) if image else None
    if data:
        try:
            example.image = _thumbnail(data)
        except OSError:
            example.unreadable = True
    return example


def _thumbnail(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as opened:
        small = opened.convert("RGB")
    small.thumbnail((400, 400))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
