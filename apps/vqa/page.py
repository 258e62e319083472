"""The page of a folder's answers."""

from __future__ import annotations

import html
import pathlib
import urllib.parse

from apps.drawing_name import drawing_name

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
       padding: 0 1rem; color: #222; }
section { border-top: 1px solid #ddd; padding: 1rem 0; }
figure { margin: 0 0 1rem; }
img { max-width: 100%; border: 1px solid #ccc; }
"""


def write_page(
    folder: pathlib.Path,
    vqa,
    paths: list[pathlib.Path],
    questions: list[str],
    found: list,
) -> pathlib.Path:
    """Writes `index.html` with pictures, answers, and where the model looked.

    Args:
        folder: where to write; it is made if it is not there.
        vqa: the `VisualQA` that answered.
        paths: the pictures.
        questions: what was asked about each of them.
        found: for each picture and question a list of `(answer, probability)`, or
            `None` for a picture that cannot be read.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = [
        _section(folder, vqa, path, questions, answers)
        for path, answers in zip(paths, found, strict=True)
    ]
    page = folder / "index.html"
    page.write_text(
        f"""<!doctype html><html lang="en"><meta charset="utf-8">
<title>Answers</title><style>{STYLE}</style><h1>Answers</h1>
<p>The two likeliest answers with their probabilities. "Looked at" is the attention of
the fusion block, "hangs on" the gradient of the answer's score.</p>
{"".join(sections)}</html>""",
        encoding="utf-8",
    )
    return page


def _section(folder, vqa, path, questions, answers) -> str:
    name = html.escape(path.name)
    figures = []
    for index, (question, best) in enumerate(zip(questions, answers, strict=True)):
        if best is None:
            return f"<section><h2>{name}</h2><p>cannot be read</p></section>"
        drawing = drawing_name(path, index)
        vqa.explain(path, question).plot(folder / drawing)
        listed = ", ".join(f"{html.escape(text)} {score:.0%}" for text, score in best)
        figures.append(
            f'<figure><img src="{urllib.parse.quote(drawing)}" alt="">'
            f"<figcaption>{html.escape(question)} <b>{listed}</b></figcaption></figure>"
        )
    return f"<section><h2>{name}</h2>{''.join(figures)}</section>"
