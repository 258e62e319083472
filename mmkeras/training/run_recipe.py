from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from mmkeras.models import ImageCaptioner
from mmkeras.models.image_captioner.captioner_run import CaptionerRun
from mmkeras.training.train_task import train_task
from mmkeras.training.write_test_captions import write_test_captions

# What all recipes have in common.
_SHARED = {
    "image_encoder": "efficientnet_lite0",
    "long_captions": "cut",
    "hidden_dim": 512,
    "num_layers": 3,
    "learning_rate": 1e-3,
}
# The same steps with a tiny model, the frozen encoder and its cache among them.
_SMOKE = {
    "image_encoder": "small_cnn",
    "image_size": 32,
    "trainable_encoder": False,
    "vocabulary_size": 300,
    "sequence_length": 12,
    "long_captions": "cut",
    "hidden_dim": 32,
    "num_layers": 1,
    "limit": 32,
    "epochs": 1,
    "batch_size": 8,
}
_SMOKE_TEST_IMAGES = 8
_FIXED = {"data", "output", "captions", "images"}


def recipe_run(
    data: str, images: str | os.PathLike, output: str | os.PathLike, **settings: Any
) -> CaptionerRun:
    """Create the run of a recipe, with the settings that all recipes share.

    Args:
        data: string, the training data, as `CaptionerRun` accepts them.
        images: path of the folder of the images.
        output: path of the folder for the preset and the results.
        **settings: other settings of `CaptionerRun`.
    """
    return CaptionerRun(
        data=data, images=str(images), output=str(output), **{**_SHARED, **settings}
    )


def run_recipe(
    run: CaptionerRun,
    test: tf.data.Dataset,
    smoke: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> tuple[ImageCaptioner, dict[str, Any]]:
    """Train a captioner and evaluate it on a test split.

    Besides the files of `train_task`, the output folder has `captions_test.json`
    and `references.json` (`write_test_captions`, beam search with 5 beams), and
    `results.json`. An interrupted training resumes when the recipe is run again.

    Args:
        run: a `CaptionerRun`.
        test: an unbatched `tf.data.Dataset` of the test split.
        smoke: bool, whether to train a tiny model on a few images in seconds, to check
            that all files are in place.
        changes: dict of settings of `run` to change, or `None`.

    Returns:
        The trained `ImageCaptioner`, and a dict of results: `loss`, `perplexity` and
        `token_accuracy` on the test split, `smoke`, and the paths `captions` and
        `references`.

    Raises:
        FileExistsError: if the output folder has files of another run.
        ValueError: if a setting is unknown or out of range.
    """
    run = _changed(run, _SMOKE if smoke else {}, changes or {})
    test = test.take(_SMOKE_TEST_IMAGES) if smoke else test
    captioner = train_task(run)
    evaluated = test
    if run.feature_cache is not None:
        # Evaluation has a sample for each caption of an image, which is encoded once.
        evaluated = captioner.cache_features(
            test, run.feature_cache, batch_size=run.batch_size
        )
    results = captioner.evaluate(evaluated, batch_size=run.batch_size, evaluators=None)
    captions, references = write_test_captions(captioner, test, run.output)
    results = {
        **{name: float(value) for name, value in results.items()},
        "smoke": smoke,
        "captions": str(captions),
        "references": str(references),
    }
    path = pathlib.Path(run.output) / "results.json"
    path.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(
        f"Test perplexity {results['perplexity']:.2f}. Score the captions: mmkeras "
        f"evaluate {captions} --references {references}"
    )
    return captioner, results


def _changed(run, smoke, changes) -> CaptionerRun:
    names = {field.name for field in dataclasses.fields(CaptionerRun)} - _FIXED
    unknown = sorted(set(changes) - names)
    if unknown:
        raise ValueError(
            f"The recipe has unknown settings: {', '.join(unknown)}. The known ones "
            f"are: {', '.join(sorted(names))}."
        )
    return dataclasses.replace(run, **{**smoke, **changes})
