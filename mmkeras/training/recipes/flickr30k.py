from __future__ import annotations

import os
import pathlib

from mmkeras.data import from_karpathy
from mmkeras.models import ImageCaptioner
from mmkeras.models.image_captioner.captioner_run import CaptionerRun
from mmkeras.training.run_recipe import run_recipe


def flickr30k(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes,
) -> tuple[ImageCaptioner, dict]:
    """Captions of Flickr30k, on the Karpathy split.

    29,000 pictures to train on, 1,014 for validation and 1,000 for the test, with five
    captions each. Flickr30k has no official split; the papers use this one.

    **Published.** Attention over a grid of VGG: BLEU-1 to BLEU-4 66.7, 43.4, 28.8, 19.1
    and METEOR 18.49 (soft); 66.9, 43.9, 29.6, 19.9 and 18.46 (hard): Xu et al., 2015,
    Table 1. Adaptive attention over a grid of ResNet-152: BLEU-4 25.1 (Lu et al.,
    2017).

    **Not run here.** The data were not at hand: only `smoke=True` has been run, on
    files of the official form made by a test. The settings are chosen after the papers
    and not tuned, and no figure of this recipe exists yet.

    **Settings.** 512 dimensions and 3 layers with a dropout of 0.2; ImageNet weights
    that stay frozen; 8,000 word pieces; 40 tokens, above which a caption is cut, as
    captions of Flickr are longer than those of COCO; all five captions of a picture in
    each step; the default label smoothing of `ImageCaptioner.compile` (0.05); 5 beams.

    **Cost.** 8 GB for the features of `efficientnet_lite0`, and at most 6,810 steps (15
    epochs of 454) of 320 captions.

    Args:
        directory: folder of `dataset_flickr30k.json` and the pictures in
            `flickr30k-images/`.
        output: folder for the preset and the results.
        smoke: bool, whether to run in seconds, to see that all is in its place.
        **changes: settings of `CaptionerRun` other than these, e.g. `epochs=20`.
            The features are kept beside the output, in `OUTPUT_features`, unless
            `feature_cache` says where.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a file or a picture is not there.
        ValueError: if a file is not of its form, or a setting is wrong.

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
    run = CaptionerRun(
        data=f"karpathy:{file}",
        images=str(images),
        output=str(output),
        image_encoder="efficientnet_lite0",
        feature_cache=f"{output}_features",
        vocabulary_size=8_000,
        sequence_length=40,
        long_captions="cut",
        hidden_dim=512,
        num_layers=3,
        dropout=0.2,
        epochs=15,
        batch_size=64,
        captions_per_image=5,
        learning_rate=1e-3,
    )
    return run_recipe(run, from_karpathy(file, images, "test"), smoke, changes)
