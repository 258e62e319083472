"""The page of a folder's answers."""

from __future__ import annotations

import pathlib

from apps.drawing_name import drawing_name
from mmkeras.training import html_templates

FOLDER = pathlib.Path(__file__).parent


def write_page(
    folder: pathlib.Path,
    vqa,
    paths: list[pathlib.Path],
    questions: list[str],
    answers: list,
) -> pathlib.Path:
    """Write `index.html` with images, answers, attention and Grad-CAM.

    Args:
        folder: folder of the page, created if it does not exist.
        vqa: the `VisualQA` that answered.
        paths: paths of the images.
        questions: the questions about each image.
        answers: for each image and question a list of `mmkeras.runtime.Answer`, best
            first, or `None` if the image cannot be read.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = [
        {"name": path.name, "questions": _explain(folder, vqa, path, questions, best)}
        for path, best in zip(paths, answers, strict=True)
    ]
    template = html_templates(FOLDER).get_template("page.html")
    page = folder / "index.html"
    page.write_text(template.render(images=images), encoding="utf-8")
    return page


def _explain(folder, vqa, path, questions, answers) -> list[dict] | None:
    if None in answers:
        return None
    explained = []
    for index, (question, best) in enumerate(zip(questions, answers, strict=True)):
        drawing = drawing_name(path, index)
        vqa.explain(path, question).plot(folder / drawing)
        explained.append({"text": question, "answers": best, "drawing": drawing})
    return explained
