from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

from mmkeras.cli.decoding_flags import add_decoding_flags, decoding_options
from mmkeras.cli.jsonl_rows import JSONLRows
from mmkeras.cli.list_images import list_images
from mmkeras.cli.start_tensorflow import start_tensorflow

# A caption, its score and perhaps those of its tokens, several of these, or the reason
# why there is none.
_Found = list[tuple] | Exception


def add_parser(commands, common) -> None:
    parser = commands.add_parser("caption", parents=[common], help="caption pictures")
    parser.add_argument("preset", help="folder of a preset, or a LiteRT file (.tflite)")
    parser.add_argument("--adapters", help="file that `save_lora` wrote")
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="pictures, or folders of them"
    )
    parser.add_argument(
        "--on-error",
        choices=["raise", "skip"],
        default="raise",
        help="skip: pictures that cannot be read are counted, and are no failure",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument(
        "--token-scores",
        action="store_true",
        help="with --json or --output: the log-probability of each token, too",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="JSON lines as the captions come; pictures that are in the file already "
        "are passed over, so that an interrupted run goes on where it stopped (those "
        "with an error too: remove their lines to have them tried again)",
    )
    parser.add_argument(
        "--batch-size", type=int, default=32, help="pictures at a time, 32 by default"
    )
    add_decoding_flags(parser)
    parser.set_defaults(run=run)


def run(args) -> int:
    if args.batch_size < 1:
        raise ValueError(
            f"--batch-size must be at least 1. Received: {args.batch_size}."
        )
    if args.token_scores and not (args.json or args.output):
        raise ValueError("--token-scores needs --json, or --output FILE.")
    paths = list_images(args.images)
    rows = JSONLRows(args.output, "image") if args.output else None
    if rows is not None:
        paths = [path for path in dict.fromkeys(paths) if path not in rows.done]
    options = decoding_options(args)
    caption = _captioner(args, options) if paths else None
    failed = 0
    for start in range(0, len(paths), args.batch_size):
        batch = paths[start : start + args.batch_size]
        for path, found in zip(batch, caption(batch), strict=True):
            failed += isinstance(found, Exception)
            _report(path, found, args, rows, several=len(paths) > 1)
        if rows is not None:
            rows.flush()
    if rows is not None:
        before = len(rows.done)
        rows.close()
        print(f"Wrote {args.output}: {len(paths)} new, {before} there before")
    if not failed:
        return 0
    if args.on_error == "raise":
        return 1
    print(f"mmkeras: skipped {failed} of {len(paths)} images", file=sys.stderr)
    return 0


def _captioner(args, options) -> Callable[[list[str]], Iterator[_Found]]:
    if args.preset.endswith(".tflite"):
        return _by_litert(args, options)
    start_tensorflow(args.debug)
    from mmkeras.models import ImageCaptioner

    task = ImageCaptioner.from_preset(args.preset)
    if args.adapters:
        task.load_lora(args.adapters)
    task.generator(**options)
    return lambda paths: _by_preset(task, paths, args, options)


def _by_litert(args, options) -> Callable[[list[str]], Iterator[_Found]]:
    from mmkeras.runtime import LiteRTCaptioner

    given = [*options, *(["token_scores"] if args.token_scores else [])]
    if given or args.adapters:
        raise ValueError(
            f"{args.preset} was exported with its options. Leave out "
            f"{', '.join([*given, *(['adapters'] if args.adapters else [])])}."
        )
    captioner = LiteRTCaptioner(args.preset)

    def caption(paths):
        for path in paths:
            try:
                yield _scored(captioner, path)
            except (OSError, ValueError) as error:
                yield error

    return caption


def _scored(captioner, path) -> list[tuple[str, float | None]]:
    if captioner.stepwise:
        return [(captioner.caption(path), None)]
    found = captioner.caption(path, return_scores=True)
    return found if isinstance(found, list) else [found]


def _by_preset(task, paths, args, options) -> Iterator[_Found]:
    """All of a batch at once, and those that failed again by themselves."""
    pictures = [_bytes(path) for path in paths]
    readable = [picture for picture in pictures if isinstance(picture, bytes)]
    captions = iter(
        task.generate(
            readable,
            return_scores=True,
            return_token_scores=args.token_scores,
            batch_size=args.batch_size,
            on_error="skip",
            **options,
        )
    )
    for path, picture in zip(paths, pictures, strict=True):
        found = next(captions) if isinstance(picture, bytes) else picture
        if found is None:
            found = _reason(task, path)
        if isinstance(found, tuple):
            found = [found]
        yield found


def _bytes(path) -> bytes | OSError:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return FileNotFoundError(f"There is no image file {path}.")
    except OSError as error:
        return error


def _reason(task, path) -> Exception:
    try:
        task.generate(path)
    except (OSError, ValueError) as error:
        return error
    return ValueError(f"Cannot read {path}: it changed in the meantime.")


def _report(path, found, args, rows, several) -> None:
    if isinstance(found, Exception):
        print(f"mmkeras: error: {found}", file=sys.stderr)
        if rows is not None:
            rows.write({"image": path, "error": str(found)})
        return
    if rows is not None:
        rows.write(_row(path, found))
        return
    for one in found:
        if args.json:
            print(json.dumps(_row(path, [one]), ensure_ascii=False))
        else:
            print(f"{path}: {one[0]}" if several else one[0])


def _row(path, found) -> dict:
    """One row for a picture, which is how it is known that it is done."""
    names = ("caption", "score", "tokens")
    if len(found) == 1:
        return {"image": path, **dict(zip(names, found[0], strict=False))}
    columns = zip(*found, strict=True)
    names = ("captions", "scores", "tokens")
    return {"image": path, **dict(zip(names, map(list, columns), strict=False))}
