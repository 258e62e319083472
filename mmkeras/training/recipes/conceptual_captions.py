from __future__ import annotations

import os
import pathlib
from typing import Any

from mmkeras.data import from_conceptual
from mmkeras.models import ImageCaptioner
from mmkeras.training.run_recipe import recipe_run, run_recipe


def conceptual_captions(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes: Any,
) -> tuple[ImageCaptioner, dict[str, Any]]:
    """Train a captioner on the images of Conceptual Captions that are still online.

    3,318,333 rows for training and 15,840 of the official validation split, with one
    caption each. Copies that were downloaded at different times have different images,
    so that their figures are not exactly comparable. The official test split (22,500
    images) is hidden: the official validation split is the test here, and 1% of the
    training images are held out for validation. `mmkeras.training.recipes` describes
    what the recipes share.

    **Published.** On the hidden test split, a Transformer over an 8 x 8 feature map of
    a CNN, trained on this dataset: CIDEr 1.676, ROUGE-L 0.336, SPICE 0.257 (T2T8x8 in
    Table 6 of Sharma et al., 2018; the text of the paper has CIDEr 1.468 for the same
    model). The figures of this recipe are of the validation split, and so only roughly
    comparable.

    **Settings.** The features are computed again in each epoch, as they would take 830
    GB; 16,000 word pieces, as names of all kinds occur; 24 tokens of a caption (Sharma
    et al.: 15 words). Sharma et al. have 6 transformer blocks and 4 beams.

    **Cost.** At most 153,996 steps (6 epochs of 25,666) of 128 images, each decoded
    and encoded in each epoch. `limit=300_000` with `feature_cache="features"` (75 GB)
    trains on a part of the data.

    Args:
        directory: path of the folder of `Train_GCC-training.tsv`,
            `Validation_GCC-1.1.0-Validation.tsv`, and their images in `train/` and
            `validation/`, downloaded by img2dataset (`mmkeras.data.from_conceptual`
            has the command).
        output: path of the folder for the preset and the results.
        smoke: bool, whether to train a tiny model on a few images, without validation,
            to check that all files are in place. Reading millions of rows still takes
            its time.
        **changes: settings of `CaptionerRun` to change, e.g. `epochs=2`.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a table or a folder does not exist, or no image does.
        ValueError: if a table is not of its format, or a setting is unknown or out of
            range.

    Example:
        ```python
        captioner, results = conceptual_captions("cc3m", "runs/cc3m")
        ```

    Reference:
        - [Sharma et al., 2018](https://aclanthology.org/P18-1238)
    """
    folder = pathlib.Path(directory)
    run = recipe_run(
        f"conceptual:{folder / 'Train_GCC-training.tsv'}",
        folder / "train",
        output,
        vocabulary_size=16_000,
        sequence_length=24,
        # One percent of millions of images is too much to evaluate in a smoke run.
        validation_fraction=0.0 if smoke else 0.01,
        epochs=6,
        batch_size=128,
    )
    table = folder / "Validation_GCC-1.1.0-Validation.tsv"
    test = from_conceptual(table, folder / "validation")
    return run_recipe(run, test, smoke, changes)
