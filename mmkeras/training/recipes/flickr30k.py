from __future__ import annotations

import os
import pathlib
from typing import Any

from mmkeras.data import from_karpathy
from mmkeras.models import ImageCaptioner
from mmkeras.training.run_recipe import recipe_run, run_recipe


def flickr30k(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes: Any,
) -> tuple[ImageCaptioner, dict[str, Any]]:
    """Train a captioner on Flickr30k with the Karpathy split.

    29,000 images for training, 1,014 for validation and 1,000 for the test, with five
    captions each. Flickr30k has no official split; the papers use this one.
    `mmkeras.training.recipes` describes what the recipes share.

    **Published.** Attention over a feature map of VGG: BLEU-1 to BLEU-4 66.7, 43.4,
    28.8, 19.1 and METEOR 18.49 (soft); 66.9, 43.9, 29.6, 19.9 and 18.46 (hard): Xu et
    al., 2015, Table 1. Adaptive attention over a feature map of ResNet-152: BLEU-4 25.1
    (Lu et al., 2017).

    **Settings.** A dropout of 0.2; 8,000 word pieces; 40 tokens of a caption, as those
    of Flickr are longer than those of COCO; all five captions of an image in each step.

    **Cost.** 8 GB for the features, and at most 6,810 steps (15 epochs of 454) of 320
    captions.

    Args:
        directory: path of the folder of `dataset_flickr30k.json` and
            `flickr30k-images/`.
        output: path of the folder for the preset and the results.
        smoke: bool, whether to train a tiny model in seconds, to check that all files
            are in place.
        **changes: settings of `CaptionerRun` to change, e.g. `epochs=20`. The features
            are kept in `OUTPUT_features`, unless `feature_cache` names another folder.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a file or an image does not exist.
        ValueError: if a file is not of its format, or a setting is unknown or out of
            range.

    Example:
        ```python
        captioner, results = flickr30k("flickr30k", "runs/flickr30k")
        ```

    Reference:
        - [Young et al., 2014](https://doi.org/10.1162/tacl_a_00166)
        - [Karpathy and Fei-Fei, 2015](https://arxiv.org/abs/1412.2306) (the split)
        - [Xu et al., 2015](https://arxiv.org/abs/1502.03044)
        - [Lu et al., 2017](https://arxiv.org/abs/1612.01887)
    """
    folder = pathlib.Path(directory)
    file, images = folder / "dataset_flickr30k.json", folder / "flickr30k-images"
    run = recipe_run(
        f"karpathy:{file}",
        images,
        output,
        feature_cache=f"{output}_features",
        vocabulary_size=8_000,
        sequence_length=40,
        dropout=0.2,
        epochs=15,
        batch_size=64,
        captions_per_image=5,
    )
    return run_recipe(run, from_karpathy(file, images, "test"), smoke, changes)
