"""Predictions for image files, for `mmkeras caption` and `mmkeras predict`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from mmkeras.cli.jsonl_rows import JSONLRows
from mmkeras.cli.list_images import list_images
from mmkeras.cli.preset_spec import is_litert
from mmkeras.cli.start_tensorflow import start_tensorflow
from mmkeras.cli.task_options import verb_options
from mmkeras.models.task_spec import TaskSpec
from mmkeras.preprocessing import UnreadableError

# The prediction for an image, several of them, best first, or the reason why there
# are none.
_Predicted = str | list[str] | Exception


def add_image_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that all predictions for images share."""
    parser.add_argument(
        "--adapters",
        metavar="FILE",
        help="adapters of a run with --lora-rank (adapters.lora.h5)",
    )
    parser.add_argument(
        "--on-error",
        choices=["raise", "skip"],
        default="raise",
        help="whether unreadable images fail the command, after all others are done, "
        "or are only counted (default: raise)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument(
        "--token-scores",
        action="store_true",
        help="with --json or --output: also write the log-probability of each token",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="append JSON lines to this file; images that it has already, errors "
        "included, are skipped, so that an interrupted command resumes",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=32,
        metavar="N",
        help="number of images in a batch (default: 32)",
    )


def predict_images(
    args: argparse.Namespace,
    spec: TaskSpec,
    images: list[str],
    options: dict[str, Any],
) -> int:
    """Predict for images and folders of images.

    Args:
        args: the parsed command line, with `preset` and the flags of
            `add_image_flags`.
        spec: the task of the preset.
        images: paths of images and folders.
        options: the options of the task's verb.

    Returns:
        The exit code: 1 if an image failed, unless `--on-error skip` is given.
    """
    if args.batch_size < 1:
        raise ValueError(
            f"--batch-size must be at least 1. Received: {args.batch_size}."
        )
    if args.token_scores and not (args.json or args.output):
        raise ValueError("--token-scores needs --json, or --output FILE.")
    paths = list_images(images)
    rows = JSONLRows(args.output, "image") if args.output else None
    if rows is not None:
        paths = [path for path in dict.fromkeys(paths) if path not in rows.done]
    predict = _predictor(args, spec, options) if paths else None
    report = _Report(args, spec.output, rows, several=len(paths) > 1)
    for start in range(0, len(paths), args.batch_size):
        batch = paths[start : start + args.batch_size]
        for path, predicted in zip(batch, predict(batch), strict=True):
            report.add(path, predicted)
        if rows is not None:
            rows.flush()
    if rows is not None:
        before = len(rows.done)
        rows.close()
        print(f"Wrote {args.output}: {len(paths)} new, {before} existing")
    if report.failed and args.on_error == "skip":
        print(
            f"mmkeras: skipped {report.failed} of {len(paths)} images", file=sys.stderr
        )
    return 1 if report.failed and args.on_error == "raise" else 0


def _predictor(args, spec, options) -> Callable[[list[str]], Iterator[_Predicted]]:
    if is_litert(args.preset):
        return _by_litert(args, spec, options)
    options = verb_options(spec, args.preset, options)
    start_tensorflow(args.debug)
    task = spec.load_task().from_preset(args.preset)
    if args.adapters:
        task.load_lora(args.adapters)
    return lambda paths: _by_preset(task, spec, paths, args.batch_size, options)


def _by_litert(args, spec, options) -> Callable[[list[str]], Iterator[_Predicted]]:
    given = [f"`{name}`" for name in options]
    given += ["--adapters"] if args.adapters else []
    given += ["--token-scores"] if args.token_scores else []
    if given:
        raise ValueError(
            f"{args.preset} is a LiteRT file, which was exported with its options. "
            f"Remove {', '.join(given)}, or give the preset."
        )
    run = getattr(spec.load_runner()(args.preset), spec.output)

    def predict(paths):
        for path in paths:
            try:
                yield run(path)
            except (OSError, ValueError) as error:
                yield error

    return predict


def _by_preset(task, spec, paths, batch_size, options) -> Iterator[_Predicted]:
    images = [_bytes(path) for path in paths]
    given = [image for image in images if isinstance(image, bytes)]
    outputs = []
    if given:
        verb = getattr(task, spec.verb)
        outputs = verb(given, batch_size=batch_size, on_error="return", **options)
    outputs = iter(outputs)
    for path, image in zip(paths, images, strict=True):
        if isinstance(image, Exception):
            yield image
            continue
        output = next(outputs)
        if isinstance(output, UnreadableError):
            yield UnreadableError(path, output.reason)
        else:
            yield output


def _bytes(path) -> bytes | OSError:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return FileNotFoundError(f"Image file {path} does not exist.")
    except OSError as error:
        return error


class _Report:
    """Prints or writes the predictions of each image."""

    def __init__(self, args, output, rows, several):
        self._args, self._output, self._rows = args, output, rows
        self._several = several
        self.failed = 0

    def add(self, path: str, predicted: _Predicted) -> None:
        if isinstance(predicted, Exception):
            self.failed += 1
            print(f"mmkeras: error: {predicted}", file=sys.stderr)
            if self._rows is not None:
                self._rows.write({"image": path, "error": str(predicted)})
        elif self._rows is not None:
            self._rows.write(self._row(path, predicted))
        else:
            for one in predicted if isinstance(predicted, list) else [predicted]:
                self._print(path, one)

    def _print(self, path, one) -> None:
        if self._args.json:
            print(json.dumps(self._row(path, one), ensure_ascii=False))
        else:
            print(f"{path}: {one}" if self._several else one)

    def _row(self, path, predicted) -> dict[str, Any]:
        """One row for each image, by which a resumed command knows it is done."""
        several = isinstance(predicted, list)
        texts = predicted if several else [predicted]
        columns = {"": list(texts)}
        for name in ("score", "tokens"):
            values = [getattr(one, name, None) for one in texts]
            if None not in values and (name == "score" or self._args.token_scores):
                columns[name] = values
        row = {"image": path}
        for name, values in columns.items():
            name = name or self._output
            plural = name if name.endswith("s") else f"{name}s"
            row[plural if several else name] = values if several else values[0]
        return row
