"""Draws the pictures of the README: `docs/captions.png` and `docs/scene.png`.

    python apps/demo/pictures.py

The captions are what the shipped presets say, true or not, of the first scenes of the
test splits.
"""

from __future__ import annotations

import pathlib
import textwrap

import matplotlib

matplotlib.use("Agg")
import tensorflow as tf
from matplotlib import font_manager, pyplot

import mmkeras

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = {
    "emoji_scenes_captioner": "emoji_scenes/small",
    "emoji_scenes_captioner_zh": "emoji_scenes/small_zh",
}
COLUMNS = 4


def main() -> None:
    shipped = {
        preset: name
        for preset, name in ROWS.items()
        if (ROOT / "saved_models" / preset).is_dir()
    }
    figure, axes = pyplot.subplots(
        len(shipped),
        COLUMNS,
        figsize=(10, 3.2 * len(shipped)),
        layout="constrained",
        squeeze=False,
    )
    fonts = _fonts(any(name.endswith("zh") for name in shipped.values()))
    for line, (preset, name) in zip(axes, shipped.items(), strict=True):
        captioner = mmkeras.models.ImageCaptioner.from_preset(
            ROOT / "saved_models" / preset
        )
        samples = mmkeras.data.load(name, split="test").take(COLUMNS)
        images = [sample["image"].numpy() for sample in samples]
        if preset == "emoji_scenes_captioner":
            (ROOT / "docs" / "scene.png").write_bytes(images[0])
        for axis, image, caption in zip(
            line, images, captioner.generate(images), strict=True
        ):
            axis.imshow(tf.io.decode_png(image).numpy())
            width = 14 if name.endswith("zh") else 30
            axis.set_title(
                "\n".join(textwrap.wrap(caption, width)), fontsize=10, family=fonts
            )
            axis.axis("off")
    figure.savefig(ROOT / "docs" / "captions.png", dpi=110)


def _fonts(chinese_too: bool) -> list[str]:
    if not chinese_too:
        return ["DejaVu Sans"]
    installed = set(font_manager.get_font_names())
    chinese = ("Noto Sans CJK SC", "WenQuanYi Zen Hei", "Droid Sans Fallback")
    found = [name for name in chinese if name in installed]
    if not found:
        raise SystemExit(
            "No font with Chinese characters is installed. On Debian: "
            "apt install fonts-wqy-zenhei"
        )
    return ["DejaVu Sans", *found]


if __name__ == "__main__":
    main()
