"""The page that the demo writes."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from apps.attention_figures import attention_figures
from mmkeras.training import html_templates

FOLDER = pathlib.Path(__file__).parent


def write_report(
    folder: pathlib.Path,
    captioner,
    samples: Sequence[Mapping],
    results: Mapping[str, float],
    losses: Sequence[float],
) -> pathlib.Path:
    """Write `index.html` and its drawings.

    Args:
        folder: folder of the page, which has the images of the samples.
        captioner: `ImageCaptioner` whose attention is shown.
        samples: list of dicts with `path`, `references`, `scene`, the captions
            `shipped` and `trained`, `answers` (question, true answer, given answer) and
            `explanation`, the path of a drawing that explains the first answer.
        results: dict from name to float.
        losses: list of float, the loss after every 20th step.

    Returns:
        The path of the page.
    """
    (folder / "loss.png").write_bytes(_plot_losses(losses))
    template = html_templates(FOLDER, FOLDER.parent).get_template("report.html")
    page = folder / "index.html"
    page.write_text(
        template.render(
            results=results,
            samples=[_shown(folder, captioner, sample) for sample in samples],
        ),
        encoding="utf-8",
    )
    return page


def _shown(folder, captioner, sample) -> dict:
    return {
        **sample,
        "shipped": _judged(sample["shipped"], sample["scene"]),
        "trained": _judged(sample["trained"], sample["scene"]),
        "attention": attention_figures(
            captioner, sample["path"], sample["shipped"], folder
        ),
    }


def _judged(caption: str, scene: str) -> dict:
    from mmkeras.datasets import Scene, judge_caption

    return {
        "text": caption,
        "verdict": judge_caption(caption, Scene.from_json(scene)),
    }


def _plot_losses(losses) -> bytes:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot(np.arange(len(losses)) * 20, losses)
    axes.set_xlabel("step")
    axes.set_ylabel("training loss, mean of the epoch so far")
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    pyplot.close(figure)
    return buffer.getvalue()
