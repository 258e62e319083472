from __future__ import annotations

import base64
import html
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

_EXAMPLES = 8
_STYLE = (
    "body{font:15px sans-serif;max-width:60em;margin:2em auto}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left}"
    "figure{display:inline-block;width:22em;vertical-align:top;margin:.5em}"
    "img{max-width:20em;max-height:16em}small{color:#555}"
)


def caption_report(
    path: str | os.PathLike,
    references: Mapping[Hashable, Sequence[str]] | CaptionReferences,
    hypotheses: Mapping[Hashable, str],
    metrics: Sequence[str] | None = None,
    picture: Callable[[Hashable], bytes | None] | None = None,
    known: Sequence[str] = (),
    hallucination: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Writes an HTML page that tells where a captioner fails.

    It has the scores with intervals of 95% (of means over images; BLEU of the corpus is
    none), length, vocabulary and variety, and the best and worst captions by CIDEr-D,
    with their pictures in the page itself.

    Args:
        path: of the page.
        references: dict from image id to captions, or `CaptionReferences`.
        hypotheses: dict from image id to the caption to judge.
        metrics: names, as `evaluate_captions` takes them.
        picture: function from image id to encoded bytes, or to `None` for no picture.
        known: captions of the training, to tell novel ones from copies.
        hallucination: what `chair` returned, to be shown.

    Returns:
        Dict from metric to float, the scores.

    Raises:
        ValueError: as `evaluate_captions` does.
    """
    if not isinstance(references, CaptionReferences):
        references = CaptionReferences(references)
    scores = evaluate_captions(references, hypotheses, metrics, per_image=True)
    per_image = scores.pop("per_image")
    parts = [
        "<h1>Captions</h1>",
        _table("Scores", _with_intervals(scores, per_image)),
        _table(
            "Captions as a whole", _numbers(_statistics(references, hypotheses, known))
        ),
    ]
    if hallucination:
        parts.append(_table("Objects that are not there", _numbers(hallucination)))
    parts.append(_examples(references, hypotheses, picture))
    page = f"<!DOCTYPE html><meta charset='utf-8'><style>{_STYLE}</style>"
    pathlib.Path(path).write_text(page + "".join(parts) + "\n", "utf-8")
    return scores


def _statistics(references, hypotheses, known) -> dict[str, float]:
    tokenise = references.tokenizer
    captions = tokenise([hypotheses[name] for name in references.ids])
    return caption_statistics(captions, tokenise(list(known)))


def _examples(references, hypotheses, picture) -> str:
    ranking = evaluate_captions(references, hypotheses, ["CIDEr-D"], per_image=True)
    scores = {name: row["CIDEr-D"] for name, row in ranking["per_image"].items()}
    order = sorted(references.ids, key=scores.get)
    figures = {
        name: _example(
            name, hypotheses[name], references.captions[name], scores[name], picture
        )
        for name in {*order[:_EXAMPLES], *order[-_EXAMPLES:]}
    }
    worst = "".join(figures[name] for name in order[:_EXAMPLES])
    best = "".join(figures[name] for name in order[::-1][:_EXAMPLES])
    return f"<h2>Worst by CIDEr-D</h2>{worst}<h2>Best by CIDEr-D</h2>{best}"


def _with_intervals(scores, per_image) -> list[tuple[str, str]]:
    rows = []
    for name, value in scores.items():
        text = f"{value:.4f}"
        if not name.startswith(("BLEU", "METEOR")):
            low, high = confidence_interval([row[name] for row in per_image.values()])
            text += f" ({low:.4f} to {high:.4f})"
        rows.append((name, text))
    return rows


def _numbers(values: Mapping[str, float]) -> list[tuple[str, str]]:
    return [
        (name, f"{value:.4f}" if isinstance(value, float) else str(value))
        for name, value in values.items()
    ]


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<h2>{title}</h2><table>{cells}</table>"


def _example(image_id, caption, references, score, picture) -> str:
    shown = _picture(picture(image_id)) if picture else ""
    texts = "<br>".join(map(html.escape, references))
    return (
        f"<figure>{shown}<figcaption><b>{html.escape(caption)}</b> ({score:.2f})<br>"
        f"<small>{html.escape(str(image_id))}<br>{texts}</small></figcaption></figure>"
    )


def _picture(data: bytes | None) -> str:
    if not data:
        return ""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            small = opened.convert("RGB")
    except OSError:
        return "<i>no readable picture</i>"
    small.thumbnail((400, 400))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG")
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"<img src='data:image/jpeg;base64,{text}'>"
