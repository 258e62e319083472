from __future__ import annotations

import os
import pathlib

from mmkeras.data import from_flickr
from mmkeras.models import ImageCaptioner
from mmkeras.models.image_captioner.captioner_run import CaptionerRun
from mmkeras.training.run_recipe import run_recipe


def flickr8k(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes,
) -> tuple[ImageCaptioner, dict]:
    """Captions of Flickr8k, on its official split.

    6,000 pictures to train on, 1,000 for validation and 1,000 for the test, with five
    captions each.

    **Published.** Attention over a grid of VGG: BLEU-1 to BLEU-4 67.0, 44.8, 29.9, 19.5
    and METEOR 18.93 (soft); 67.0, 45.7, 31.4, 21.3 and 20.30 (hard): Xu et al., 2015,
    Table 1. Later papers rarely report this dataset.

    **Not run here.** The data were not at hand: only `smoke=True` has been run, on
    files of the official form made by a test. The settings are chosen after the papers
    and not tuned, and no figure of this recipe exists yet.

    **Settings.** 512 dimensions and 3 layers, with more dropout (0.3) and fewer word
    pieces (4,000) than for the larger datasets, as 30,000 captions are soon known by
    heart; ImageNet weights that stay frozen; 40 tokens, above which a caption is cut;
    all five captions of a picture in each step; the default label smoothing of
    `ImageCaptioner.compile` (0.05); 5 beams.

    **Cost.** 2 GB for the features of `efficientnet_lite0`, and at most 3,760 steps (20
    epochs of 188) of 160 captions.

    Args:
        directory: folder of `Flickr8k.token.txt`, `Flickr_8k.trainImages.txt`,
            `Flickr_8k.devImages.txt`, `Flickr_8k.testImages.txt`, and the pictures
            in `Flicker8k_Dataset/` (so spelled).
        output: folder for the preset and the results.
        smoke: bool, whether to run in seconds, to see that all is in its place.
        **changes: settings of `CaptionerRun` other than these, e.g. `epochs=30`.
            The features are kept beside the output, in `OUTPUT_features`, unless
            `feature_cache` says where.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a file or a picture is not there.
        ValueError: if a file is not of its form, or a setting is wrong.

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
    run = CaptionerRun(
        data=f"flickr:{captions}",
        images=str(images),
        output=str(output),
        image_encoder="efficientnet_lite0",
        feature_cache=f"{output}_features",
        vocabulary_size=4_000,
        sequence_length=40,
        long_captions="cut",
        hidden_dim=512,
        num_layers=3,
        dropout=0.3,
        epochs=20,
        batch_size=32,
        captions_per_image=5,
        learning_rate=1e-3,
    )
    test = from_flickr(captions, images, folder / "Flickr_8k.testImages.txt")
    return run_recipe(run, test, smoke, changes)
