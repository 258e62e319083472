from __future__ import annotations

import os
import pathlib

from mmkeras.data import from_karpathy
from mmkeras.models import ImageCaptioner
from mmkeras.models.image_captioner.captioner_run import CaptionerRun
from mmkeras.training.run_recipe import run_recipe


def coco_karpathy(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes,
) -> tuple[ImageCaptioner, dict]:
    """Captions of COCO, on the Karpathy split, with cross-entropy.

    113,287 pictures to train on (`train` and `restval`), 5,000 for validation and
    5,000 for the test, with five captions each.

    **Published.** A Transformer trained with cross-entropy: CIDEr 116.6, BLEU-4 35.8,
    METEOR 28.2, SPICE 21.3 (X-modaler, Li et al., 2021, its benchmarks). It sees
    regions of an object detector trained on Visual Genome. From a grid of an ImageNet
    CNN, which is what this recipe sees, Luo's ImageCaptioning.pytorch reports CIDEr
    107 (Up-Down with ResNet-101, 5 beams): the target to expect to come near.

    **Not run here.** The data were not at hand: only `smoke=True` has been run, on
    files of the official form made by a test. The settings are chosen after the papers
    and not tuned, and no figure of this recipe exists yet.

    **Settings.** 512 dimensions and 3 layers as in Cornia et al.; ImageNet weights that
    stay frozen, so that each picture is encoded once; 10,000 word pieces, about as many
    as the words that the papers keep; 30 tokens, above which a caption is cut; all five
    captions of a picture in each step; the default label smoothing of
    `ImageCaptioner.compile` (0.05); 5 beams.

    **Cost.** 31 GB for the features of `efficientnet_lite0` (49 x 1280 floats for each
    picture), and at most 21,252 steps (12 epochs of 1,771) of 320 captions. On two CPU
    cores that others worked on too, a step on random features took 17 to 25 seconds, so
    that all of them would take days: this is for a GPU, on which nothing was measured.

    Args:
        directory: folder of `dataset_coco.json`, `train2014/` and `val2014/`.
        output: folder for the preset and the results.
        smoke: bool, whether to run in seconds, to see that all is in its place.
        **changes: settings of `CaptionerRun` other than these, e.g.
            `image_encoder="efficientnet_lite2"`. The features are kept beside
            the output, in `OUTPUT_features`, unless `feature_cache` says where.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a file or a picture is not there.
        ValueError: if a file is not of its form, or a setting is wrong.

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
    run = CaptionerRun(
        data=f"karpathy:{file}",
        images=str(directory),
        output=str(output),
        image_encoder="efficientnet_lite0",
        feature_cache=f"{output}_features",
        vocabulary_size=10_000,
        sequence_length=30,
        long_captions="cut",
        hidden_dim=512,
        num_layers=3,
        epochs=12,
        batch_size=64,
        captions_per_image=5,
        learning_rate=1e-3,
    )
    return run_recipe(run, from_karpathy(file, directory, "test"), smoke, changes)
