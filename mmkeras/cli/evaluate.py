from __future__ import annotations

import argparse
import pathlib

from mmkeras.cli.preset_spec import preset_spec
from mmkeras.cli.task_options import parse_task_options

# Flags for data that all built-in tasks have; those of plugins are parsed later.
_DATA = {
    "captions": "table of the captions of a folder",
    "questions": "table of the questions of a folder",
    "annotations": "answers of vqa:FILE; or those to score a file of answers against",
    "images": "folder of the images of coco:FILE and the like",
}


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser(
        "evaluate",
        parents=[common],
        help="evaluate a preset, or a file of captions or answers",
    )
    parser.add_argument(
        "preset",
        help="folder of a preset; or a file of captions in COCO's or of answers in VQA "
        "v2's results format",
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="data to evaluate a preset on: a folder; coco:FILE, karpathy:FILE, "
        "flickr:FILE, conceptual:FILE or vqa:FILE; or the name of a dataset of "
        "TensorFlow Datasets",
    )
    for name, text in _DATA.items():
        parser.add_argument(f"--{name}", metavar="PATH", help=text)
    parser.add_argument(
        "--split",
        default="test",
        metavar="NAME",
        help="split of a dataset, karpathy: or flickr: (default: test)",
    )
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="maximum number of samples (default: all)",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=32,
        metavar="N",
        help="number of samples in a batch (default: 32)",
    )
    parser.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        help="what to do with unreadable images (default: raise)",
    )
    parser.add_argument(
        "--evaluators",
        nargs="+",
        metavar="NAME",
        default=["all"],
        help="evaluators to run; auto for those that take a single pass (default: all "
        "that fit)",
    )
    parser.add_argument(
        "--results",
        metavar="FILE",
        help="write the answers to questions in VQA v2's results format",
    )
    _add_caption_flags(parser)
    parser.set_defaults(run=run, parse_rest=_parse_rest)


def _add_caption_flags(parser) -> None:
    group = parser.add_argument_group("captions")
    group.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="BLEU-1 to BLEU-4, ROUGE_L, CIDEr-D, METEOR, METEOR-exact-stem, SPICE "
        "(default: BLEU-4, ROUGE_L and CIDEr-D for a preset, all that are installed "
        "for a file)",
    )
    group.add_argument(
        "--tokenizer",
        choices=("ptb", "characters", "jieba"),
        help="ptb is COCO's (default for a preset: characters for Chinese, ptb "
        "otherwise; for a file: ptb)",
    )
    group.add_argument("--report", metavar="HTML", help="write an HTML report")
    group.add_argument(
        "--references",
        metavar="FILE",
        help="COCO annotations to score a file of captions against",
    )
    group.add_argument(
        "--against",
        metavar="FILE",
        help="another file of captions, to compare by the paired bootstrap",
    )
    group.add_argument(
        "--train-references",
        metavar="FILE",
        help="COCO annotations of the training data, for the report to tell novel "
        "captions from copies",
    )
    group.add_argument(
        "--allow-missing",
        action="store_true",
        help="score only the images that both files have",
    )


def _is_results(path) -> bool:
    return pathlib.Path(path).is_file() or path.endswith(".json")


def _parse_rest(args, rest) -> None:
    args.data_arguments = {
        name: getattr(args, name) for name in _DATA if getattr(args, name)
    }
    if _is_results(args.preset):
        if rest:
            raise ValueError(f"Unrecognized arguments: {' '.join(rest)}.")
        return
    spec = preset_spec(args.preset)
    kind = spec.load_run()
    own = {field.name for field in kind.fields_of("data") if field.name not in _DATA}
    others = [name for name in kind.names() if name not in own]
    args.data_arguments |= parse_task_options(args, rest, spec, kind, without=others)


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    for name in ("limit", "batch_size"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
    if _is_results(args.preset):
        from mmkeras.cli.evaluate_results import evaluate_results

        return evaluate_results(args)
    if args.data is None:
        raise ValueError(
            "A preset is evaluated on --data. To score a file of captions, give it in "
            "place of the preset, with --references."
        )
    from mmkeras.cli.evaluate_preset import evaluate_preset

    return evaluate_preset(args, preset_spec(args.preset))
