from __future__ import annotations

import os
import pathlib
from typing import Any

from mmkeras.data import from_karpathy
from mmkeras.models import ImageCaptioner
from mmkeras.training.run_recipe import recipe_run, run_recipe


def coco_karpathy(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes: Any,
) -> tuple[ImageCaptioner, dict[str, Any]]:
    """Train a captioner on COCO with the Karpathy split and cross-entropy.

    113,287 images for training (`train` and `restval`), 5,000 for validation and 5,000
    for the test, with five captions each. `mmkeras.training.recipes` describes what
    the recipes share.

    **Published.** A Transformer trained with cross-entropy: CIDEr 116.6, BLEU-4 35.8,
    METEOR 28.2, SPICE 21.3 (X-modaler, Li et al., 2021, its benchmarks), on regions of
    an object detector trained on Visual Genome. On a feature map of an ImageNet CNN,
    as in this recipe, Luo's ImageCaptioning.pytorch reports CIDEr 107 (Up-Down with
    ResNet-101, 5 beams), which is the figure to compare with.

    **Settings.** 10,000 word pieces, about as many as the words that the papers keep;
    30 tokens of a caption; all five captions of an image in each step.

    **Cost.** 31 GB for the features (49 x 1280 floats for each image), and at most
    21,252 steps (12 epochs of 1,771) of 320 captions. On two busy CPU cores a step
    took 17 to 25 seconds, which is days in total; a GPU is needed, on which nothing
    was measured.

    Args:
        directory: path of the folder of `dataset_coco.json`, `train2014/` and
            `val2014/`.
        output: path of the folder for the preset and the results.
        smoke: bool, whether to train a tiny model in seconds, to check that all files
            are in place.
        **changes: settings of `CaptionerRun` to change, e.g.
            `image_encoder="efficientnet_lite2"`. The features are kept in
            `OUTPUT_features`, unless `feature_cache` names another folder.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a file or an image does not exist.
        ValueError: if a file is not of its format, or a setting is unknown or out of
            range.

    Example:
        ```python
        captioner, results = coco_karpathy("coco", "runs/coco")
        ```

    Reference:
        - [Karpathy and Fei-Fei, 2015](https://arxiv.org/abs/1412.2306) (the split)
        - [Cornia et al., 2020](https://arxiv.org/abs/1912.08226)
        - [Li et al., 2021](https://arxiv.org/abs/2108.08217) (X-modaler)
        - [ImageCaptioning.pytorch](https://github.com/ruotianluo/ImageCaptioning.pytorch)
    """
    file = pathlib.Path(directory) / "dataset_coco.json"
    run = recipe_run(
        f"karpathy:{file}",
        directory,
        output,
        feature_cache=f"{output}_features",
        vocabulary_size=10_000,
        sequence_length=30,
        epochs=12,
        batch_size=64,
        captions_per_image=5,
    )
    return run_recipe(run, from_karpathy(file, directory, "test"), smoke, changes)
