from __future__ import annotations

import dataclasses
import json
import pathlib

import tensorflow as tf

from mmkeras.models import ImageCaptioner
from mmkeras.models.image_captioner.captioner_run import CaptionerRun
from mmkeras.training.train_task import train_task
from mmkeras.training.write_test_captions import write_test_captions

# The same steps as in earnest, the frozen encoder and its cache among them.
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
_SMOKE_TEST_PICTURES = 8
_FIXED = {"data", "output", "captions", "images"}


def run_recipe(
    run: CaptionerRun,
    test: tf.data.Dataset,
    smoke: bool = False,
    changes: dict | None = None,
) -> tuple[ImageCaptioner, dict]:
    """Trains a captioner and measures it on a test split, as every recipe does.

    Besides what `train_task` writes, the output folder has `captions_test.json`
    and `references.json` (`write_test_captions`, beam search with 5 beams), and
    `results.json`. A run that was interrupted in training goes on when it is started
    again.

    Args:
        run: a `CaptionerRun`.
        test: an unbatched `tf.data.Dataset` of the test split.
        smoke: bool, whether to make model, data and epochs so small that it takes
            seconds, to see that files and folders are right. What it learns is
            nothing.
        changes: dict of settings of `run` to change.

    Returns:
        The trained `ImageCaptioner`, and a dict of results: `loss`, `perplexity` and
        `token_accuracy` on the test split, `smoke`, and the paths `captions` and
        `references`.

    Raises:
        FileExistsError: if the output folder has files of another run.
        ValueError: if there is no such setting, or it is out of range.
    """
    run = _changed(run, _SMOKE if smoke else {}, changes or {})
    test = test.take(_SMOKE_TEST_PICTURES) if smoke else test
    captioner = train_task(run)
    measured = test
    if run.feature_cache is not None:
        # A picture is measured with each of its captions, and encoded once for all.
        measured = captioner.cache_features(
            test, run.feature_cache, batch_size=run.batch_size
        )
    results = captioner.evaluate(measured, batch_size=run.batch_size)
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
        f"Test perplexity {results['perplexity']:.2f}. CIDEr and its like are scored "
        f"from {captions} against {references}, e.g. with coco-caption."
    )
    return captioner, results


def _changed(run, smoke, changes) -> CaptionerRun:
    names = {field.name for field in dataclasses.fields(CaptionerRun)} - _FIXED
    unknown = sorted(set(changes) - names)
    if unknown:
        raise ValueError(
            f"A recipe has no setting {', '.join(unknown)}. There are: "
            f"{', '.join(sorted(names))}."
        )
    return dataclasses.replace(run, **{**smoke, **changes})
