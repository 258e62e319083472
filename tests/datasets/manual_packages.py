"""Tiny folders with the layout of the packages that some datasets read."""

import pathlib

from PIL import Image, ImageDraw

EMOJI = {
    "google": "node_modules/emoji-datasource-google/img/google/64",
    "twitter": "node_modules/emoji-datasource-twitter/img/twitter/64",
    "fluent": "node_modules/@lobehub/fluent-emoji-3d/assets",
}
STAMPS = "usr/share/tuxpaint/stamps"
CLIP_ART = "usr/share/openclipart"


def write_image(path: pathlib.Path, colour="red", size=(64, 64), box=None) -> None:
    """Write a box of one colour on a transparent background."""
    image = Image.new("RGBA", size)
    box = box or (0, 0, size[0] - 1, size[1] - 1)
    ImageDraw.Draw(image).rectangle(box, fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def write_emoji(folder: pathlib.Path, names: dict[str, tuple[str, ...]]) -> None:
    """Write packages of emoji: dict from a style to the names of its files."""
    for style, files in names.items():
        for index, name in enumerate(files):
            write_image(folder / EMOJI[style] / name, (index * 40, 0, 200))


def write_stamp(folder: pathlib.Path, name: str, text: str, **image) -> None:
    path = folder / STAMPS / f"{name}.png"
    write_image(path, **image)
    path.with_suffix(".txt").write_text(text, "utf-8")


def write_clip_art(folder: pathlib.Path, name: str, title: str, **image) -> None:
    write_image(folder / CLIP_ART / "png" / f"{name}.png", **image)
    drawing = folder / CLIP_ART / "svg" / f"{name}.svg"
    drawing.parent.mkdir(parents=True, exist_ok=True)
    drawing.write_text(
        f"""<svg xmlns="http://www.w3.org/2000/svg">
        <title>not this</title><metadata>
        <rdf:RDF xmlns="http://web.resource.org/cc/"
          xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
          xmlns:dc="http://purl.org/dc/elements/1.1/"><Work rdf:about="">
        <dc:title>{title}</dc:title>
        <dc:subject><rdf:Bag><rdf:li>animal</rdf:li><rdf:li></rdf:li>
          <rdf:li>animal</rdf:li><rdf:li>pet</rdf:li></rdf:Bag></dc:subject>
        <dc:creator><Agent><dc:title>nor this</dc:title></Agent></dc:creator>
        </Work></rdf:RDF></metadata></svg>""",
        "utf-8",
    )
