"""Draw the images of the README: `docs/captions.png` and `docs/scene.png`.

    python benchmarks/readme_images.py

The captions are those of the shipped presets, true or not, for the first scenes of the
test splits.
"""

from __future__ import annotations

import textwrap

import matplotlib

matplotlib.use("Agg")
import tensorflow as tf
from matplotlib import pyplot
from train_presets import DATA, NAMES, ROOT

import mmkeras
from mmkeras.preprocessing.text.fonts_for import fonts_for

DOCS = ROOT.parent / "docs"
COLUMNS = 4


def main() -> None:
    shipped = [language for language in NAMES if (ROOT / NAMES[language]).is_dir()]
    figure, axes = pyplot.subplots(
        len(shipped),
        COLUMNS,
        figsize=(10, 3.2 * len(shipped)),
        layout="constrained",
        squeeze=False,
    )
    for line, language in zip(axes, shipped, strict=True):
        captioner = mmkeras.models.ImageCaptioner.from_preset(ROOT / NAMES[language])
        samples = mmkeras.data.load(DATA[language], split="test").take(COLUMNS)
        images = [sample["image"].numpy() for sample in samples]
        if language == "en":
            (DOCS / "scene.png").write_bytes(images[0])
        for axis, image, caption in zip(
            line, images, captioner.generate(images), strict=True
        ):
            axis.imshow(tf.io.decode_png(image).numpy())
            width = 14 if language == "zh" else 30
            axis.set_title(
                "\n".join(textwrap.wrap(caption, width)),
                fontsize=10,
                family=fonts_for([caption]),
                parse_math=False,
            )
            axis.axis("off")
    figure.savefig(DOCS / "captions.png", dpi=110)


if __name__ == "__main__":
    main()
