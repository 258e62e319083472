"""The gallery of a folder of captioned images."""

from __future__ import annotations

import pathlib
import shutil

from apps.attention_figures import attention_figures
from mmkeras.training import html_templates

FOLDER = pathlib.Path(__file__).parent


def write_gallery(
    folder: pathlib.Path, captioner, paths: list[pathlib.Path], captions: list
) -> pathlib.Path:
    """Write `index.html` with the images, their captions and the attention.

    Args:
        folder: folder of the gallery, created if it does not exist.
        captioner: the `ImageCaptioner` that wrote the captions.
        paths: paths of the images.
        captions: for each image a list of `mmkeras.runtime.Caption`, best first, or
            `None` if the image cannot be read.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for path, best in zip(paths, captions, strict=True):
        image = {"name": path.name, "captions": best}
        if best is not None:
            shutil.copy(path, folder / path.name)
            image["attention"] = attention_figures(captioner, path, best[0], folder)
        images.append(image)
    template = html_templates(FOLDER, FOLDER.parent).get_template("gallery.html")
    page = folder / "index.html"
    page.write_text(template.render(images=images), encoding="utf-8")
    return page
