from __future__ import annotations

import os
import pathlib

from mmkeras.data import from_conceptual
from mmkeras.models import ImageCaptioner
from mmkeras.models.image_captioner.captioner_run import CaptionerRun
from mmkeras.training.run_recipe import run_recipe


def conceptual_captions(
    directory: str | os.PathLike,
    output: str | os.PathLike,
    smoke: bool = False,
    **changes,
) -> tuple[ImageCaptioner, dict]:
    """Captions of Conceptual Captions (CC3M), of those pictures that still are there.

    3,318,333 rows to train on and 15,840 of the official validation, with one caption
    each. Which pictures are still to be had decides what is trained on, so that figures
    of two copies do not compare to the last point.

    The official test (22.5 thousand pictures) is hidden. So the official validation is
    the test of this recipe, and 1% of the training pictures, held out, decide when to
    stop.

    **Published.** On the hidden test, a Transformer over an 8 x 8 grid of a CNN,
    trained on this dataset: CIDEr 1.676, ROUGE-L 0.336, SPICE 0.257 (T2T8x8 in Table 6
    of Sharma et al., 2018; the text of the paper has CIDEr 1.468 for the same model).
    What this recipe writes is of the validation, and so only roughly comparable.

    **Not run here.** The data were not at hand: only `smoke=True` has been run, on
    files of the official form made by a test. The settings are chosen after the papers
    and not tuned, and no figure of this recipe exists yet.

    **Settings.** 512 dimensions and 3 layers (Sharma et al. have 6); ImageNet weights
    that stay frozen, computed anew in each epoch: their features would take 830 GB;
    16,000 word pieces, as names of all kinds occur; 24 tokens, above which a caption is
    cut (Sharma et al.: 15 words); the default label smoothing of
    `ImageCaptioner.compile` (0.05); 5 beams (Sharma et al.: 4).

    **Cost.** At most 153,996 steps (6 epochs of 25,666) of 128 pictures if all were
    there, each decoded and encoded in each epoch. For less of it, `limit=300_000` with
    `feature_cache="features"` (75 GB).

    Args:
        directory: folder of `Train_GCC-training.tsv`,
            `Validation_GCC-1.1.0-Validation.tsv`, and their pictures in `train/` and
            `validation/`, downloaded before by img2dataset
            (`mmkeras.data.from_conceptual` has the command).
        output: folder for the preset and the results.
        smoke: bool, whether to run on a few pictures, without those held out, to see
            that all is in its place. Reading millions of rows still takes its time.
        **changes: settings of `CaptionerRun` other than these, e.g. `epochs=2`.

    Returns:
        The trained `ImageCaptioner`, and a dict of results (`run_recipe`).

    Raises:
        FileNotFoundError: if a table or a folder is not there, or no picture is.
        ValueError: if a table is not of its form, or a setting is wrong.

    Example:
        ```python
        captioner, results = conceptual_captions("cc3m", "runs/cc3m")
        ```

    Reference:
        - [Sharma et al., 2018](https://aclanthology.org/P18-1238)
    """
    folder = pathlib.Path(directory)
    run = CaptionerRun(
        data=f"conceptual:{folder / 'Train_GCC-training.tsv'}",
        images=str(folder / "train"),
        output=str(output),
        image_encoder="efficientnet_lite0",
        vocabulary_size=16_000,
        sequence_length=24,
        long_captions="cut",
        hidden_dim=512,
        num_layers=3,
        # A percent of millions is still too much to look at in a smoke run.
        validation_fraction=0.0 if smoke else 0.01,
        epochs=6,
        batch_size=128,
        learning_rate=1e-3,
    )
    table = folder / "Validation_GCC-1.1.0-Validation.tsv"
    test = from_conceptual(table, folder / "validation")
    return run_recipe(run, test, smoke, changes)
