"""The page that the demo writes."""

from __future__ import annotations

import html
import io
import pathlib

import numpy as np

from apps.attention_figures import STYLE as ATTENTION_STYLE
from apps.attention_figures import attention_figures

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
       padding: 0 1rem; color: #222; }
section { display: grid; grid-template-columns: 200px 1fr; gap: 1.5rem;
          border-top: 1px solid #ddd; padding: 1rem 0; }
section > img { width: 200px; image-rendering: pixelated; border: 1px solid #ccc; }
.true { color: #0a6b2d; } .false { color: #a31515; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: left; }
"""


def write_report(folder, captioner, samples, results, losses) -> pathlib.Path:
    """Writes `index.html` and its pictures.

    Args:
        folder: `pathlib.Path`, where the sample pictures are.
        captioner: `ImageCaptioner` whose attention is shown.
        samples: list of dicts with `path`, `references`, `scene`, `shipped`,
            `trained`, `answers` (question, true answer, answer given) and `why`, the
            path of a drawing that explains the first.
        results: dict of float by name.
        losses: list of float.

    Returns:
        The path of the page.
    """
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{value:.3f}</td></tr>"
        for name, value in results.items()
    )
    sections = "".join(_section(folder, captioner, sample) for sample in samples)
    (folder / "loss.png").write_bytes(_plot_losses(losses))
    page = folder / "index.html"
    page.write_text(
        f"""<!doctype html><html lang="en"><meta charset="utf-8">
<title>mmkeras demo</title><style>{STYLE}{ATTENTION_STYLE}</style>
<h1>mmkeras: what the demo did</h1>
<p>The pictures are generated scenes of <code>emoji_scenes/small</code>, from its test
split. <b>Shipped</b> is the preset in <code>saved_models/</code>; <b>trained</b> is the
model that the demo trained just now. Green captions are true of the picture, red ones
are not. The small pictures show where the shipped model looks for each token. Questions
are answered by the shipped preset of visual question answering, and for the first of
each picture is shown where it looked, and what the answer hangs on.</p>
<h2>The model trained just now</h2>
<table>{rows}</table>
<img src="loss.png" alt="training loss" width="560">
<h2>Pictures</h2>{sections}</html>""",
        encoding="utf-8",
    )
    return page


def _section(folder, captioner, sample) -> str:
    figures = attention_figures(captioner, sample["path"], sample["shipped"], folder)
    references = " · ".join(map(html.escape, sample["references"]))
    return (
        f'<section><img src="{sample["path"].name}" alt=""><div>'
        f"{_judged('Shipped', sample['shipped'], sample['scene'])}"
        f"{_judged('Trained', sample['trained'], sample['scene'])}"
        f"<p>References: {references}</p>"
        f"{figures}{_answers(sample)}</div></section>"
    )


def _answers(sample) -> str:
    listed = []
    for question, true, given in sample["answers"]:
        kind = "true" if given == true else "false"
        answer = f'<b class="{kind}">{html.escape(given)}</b>'
        listed.append(f"<li>{html.escape(question)} {answer}</li>")
    listed = "".join(listed)
    return f'<ul>{listed}</ul><img src="{sample["why"].name}" alt="" width="560">'


def _judged(label: str, caption: str, scene: str) -> str:
    from mmkeras.datasets import Scene, judge_caption

    verdict = judge_caption(caption, Scene.from_json(scene))
    reason = "" if verdict else f" ({html.escape(verdict.reason)})"
    kind = "true" if verdict else "false"
    text = html.escape(caption)
    return f'<p>{label}: <b class="{kind}">{text}</b>{reason}</p>'


def _plot_losses(losses) -> bytes:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot(np.arange(len(losses)) * 20, losses)
    axes.set_xlabel("step")
    axes.set_ylabel("loss, mean of the epoch so far")
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    pyplot.close(figure)
    return buffer.getvalue()
