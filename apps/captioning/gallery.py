"""The page of a folder's captions."""

from __future__ import annotations

import html
import pathlib
import shutil
import urllib.parse

from apps.attention_figures import STYLE as ATTENTION_STYLE
from apps.attention_figures import attention_figures

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
       padding: 0 1rem; color: #222; }
section { display: grid; grid-template-columns: 200px 1fr; gap: 1.5rem;
          border-top: 1px solid #ddd; padding: 1rem 0; }
section > img { width: 200px; border: 1px solid #ccc; }
.score { color: #777; }
"""


def write_gallery(
    folder: pathlib.Path, captioner, paths: list[pathlib.Path], found: list
) -> pathlib.Path:
    """Writes `index.html` with the pictures, their captions and the attention.

    Args:
        folder: where to write; it is made if it is not there.
        captioner: the `ImageCaptioner` that wrote the captions.
        paths: the pictures.
        found: for each picture a list of `(caption, score)`, best first, or `None` if
            it cannot be read.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for path, captions in zip(paths, found, strict=True):
        name = html.escape(path.name)
        if captions is None:
            sections.append(f"<section><p>{name}</p><p>cannot be read</p></section>")
            continue
        shutil.copy(path, folder / path.name)
        listed = "".join(
            f'<li>{html.escape(text)} <span class="score">{score:.2f}</span></li>'
            for text, score in captions
        )
        figures = attention_figures(captioner, path, captions[0][0], folder)
        address = urllib.parse.quote(path.name)
        sections.append(
            f'<section><img src="{address}" alt="{name}"><div><p>{name}</p>'
            f"<ol>{listed}</ol>{figures}</div></section>"
        )
    page = folder / "index.html"
    page.write_text(
        f"""<!doctype html><html lang="en"><meta charset="utf-8">
<title>Captions</title><style>{STYLE}{ATTENTION_STYLE}</style>
<h1>Captions</h1>
<p>The three likeliest captions of each picture with their scores (log-probability,
by length), and where the model looked for each token of the first.</p>
{"".join(sections)}</html>""",
        encoding="utf-8",
    )
    return page
