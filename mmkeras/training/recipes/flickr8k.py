from __future__ import annotations

import os
import pathlib
from typing import Any

from mmkeras.data import from_flickr
from mmkeras.models import ImageCaptioner
from mmkeras.training.run_recipe import recipe_run, run_recipe


def flickr8k(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes: Any,
) -> tuple[ImageCaptioner, dict[str, Any]]:
    """Train a captioner on Flickr8k with its official split.

    6,000 images for training, 1,000 for validation and 1,000 for the test, with five
    captions each. `mmkeras.training.recipes` describes what the recipes share.

    **Published.** Attention over a feature map of VGG: BLEU-1 to BLEU-4 67.0, 44.8,
    29.9, 19.5 and METEOR 18.93 (soft); 67.0, 45.7, 31.4, 21.3 and 20.30 (hard): Xu et
    al., 2015, Table 1. Later papers rarely report this dataset.

    **Settings.** More dropout (0.3) and fewer word pieces (4,000) than for the larger
    datasets, as a model overfits 30,000 captions early; 40 tokens of a caption; all
    five captions of an image in each step.

    **Cost.** 2 GB for the features, and at most 3,760 steps (20 epochs of 188) of 160
    captions.

    Args:
        directory: path of the folder of `Flickr8k.token.txt`,
            `Flickr_8k.trainImages.txt`, `Flickr_8k.devImages.txt`,
            `Flickr_8k.testImages.txt` and `Flicker8k_Dataset/` (the official spelling).
        output: path of the folder for the preset and the results.
        smoke: bool, whether to train a tiny model in seconds, to check that all files
            are in place.
        **changes: settings of `CaptionerRun` to change, e.g. `epochs=30`. The features
            are kept in `OUTPUT_features`, unless `feature_cache` names another folder.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a file or an image does not exist.
        ValueError: if a file is not of its format, or a setting is unknown or out of
            range.

    Example:
        ```python
        captioner, results = flickr8k("flickr8k", "runs/flickr8k")
        ```

    Reference:
        - [Hodosh et al., 2013](https://doi.org/10.1613/jair.3994)
        - [Xu et al., 2015](https://arxiv.org/abs/1502.03044)
    """
    folder = pathlib.Path(directory)
    captions, images = folder / "Flickr8k.token.txt", folder / "Flicker8k_Dataset"
    run = recipe_run(
        f"flickr:{captions}",
        images,
        output,
        feature_cache=f"{output}_features",
        vocabulary_size=4_000,
        sequence_length=40,
        dropout=0.3,
        epochs=20,
        batch_size=32,
        captions_per_image=5,
    )
    test = from_flickr(captions, images, folder / "Flickr_8k.testImages.txt")
    return run_recipe(run, test, smoke, changes)
