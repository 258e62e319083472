from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

from mmkeras.cli.preset_spec import preset_spec
from mmkeras.cli.start_tensorflow import start_tensorflow
from mmkeras.cli.task_options import parse_task_options

# The flags of data that all tasks of mmkeras have; those of plugins are parsed later.
_DATA = {
    "captions": "table of the captions of a folder",
    "questions": "table of the questions of a folder",
    "annotations": "answers of vqa:FILE; or those to score a file of answers against",
    "images": "folder of the images of coco:FILE and the like",
}


def add_parser(commands, common) -> None:
    parser = commands.add_parser(
        "evaluate",
        parents=[common],
        help="evaluate a preset, or a file of captions or answers",
    )
    parser.add_argument(
        "preset",
        help="folder of a preset; or captions in COCO's, answers in VQA v2's format of "
        "results",
    )
    parser.add_argument(
        "--data",
        help="data to evaluate a preset on: a folder; coco:FILE, karpathy:FILE, "
        "flickr:FILE, conceptual:FILE or vqa:FILE; or the name of a dataset of "
        "TensorFlow Datasets",
    )
    for name, text in _DATA.items():
        parser.add_argument(f"--{name}", metavar="PATH", help=text)
    parser.add_argument(
        "--split",
        default="test",
        help="split of a dataset, karpathy: or flickr: (default: test)",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="maximum number of samples"
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
        help="evaluators to run, auto for those of a single pass (default: all that "
        "fit)",
    )
    parser.add_argument(
        "--results",
        metavar="FILE",
        help="write the answers to questions in VQA v2's format of results",
    )
    _add_caption_flags(parser)
    parser.set_defaults(run=run, parse_rest=_parse_rest)


def _add_caption_flags(parser) -> None:
    group = parser.add_argument_group("captions")
    group.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="BLEU-1 to BLEU-4, ROUGE_L, CIDEr-D, METEOR, METEOR-exact-stem, SPICE",
    )
    group.add_argument(
        "--tokenizer",
        choices=("ptb", "characters", "jieba"),
        help="ptb is COCO's (default: characters for Chinese, ptb otherwise)",
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
        help="COCO annotations of the training data: the report tells novel captions "
        "from copies",
    )
    group.add_argument(
        "--allow-missing",
        action="store_true",
        help="score the images that both files have",
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
    found = parse_task_options(args, rest, spec, kind, without=others)
    args.data_arguments |= found


def run(args) -> int:
    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit must be at least 1. Received: {args.limit}.")
    if _is_results(args.preset):
        return _evaluate_file(args)
    if args.data is None:
        raise ValueError(
            "A preset is evaluated on --data. To score a file of captions, give it in "
            "place of the preset, with --references."
        )
    return _evaluate_preset(args, preset_spec(args.preset))


def _evaluate_file(args) -> int:
    if args.on_error:
        raise ValueError("--on-error is for presets: no image is read here.")
    if not args.annotations:
        from mmkeras.cli.evaluate_results import evaluate_results

        return evaluate_results(args)
    from mmkeras.data.formats import read_vqa_annotations, read_vqa_results
    from mmkeras.metrics import evaluate_answers

    report = evaluate_answers(
        read_vqa_annotations(args.annotations),
        read_vqa_results(args.preset),
        args.allow_missing,
    )
    print(json.dumps(report, indent=2))
    return 0


def _evaluate_preset(args, spec) -> int:
    captions = {
        "--metrics": args.metrics,
        "--report": args.report,
        "--tokenizer": args.tokenizer,
    }
    given = [flag for flag, value in captions.items() if value]
    if given and spec.output != "caption":
        raise ValueError(
            f"{', '.join(given)}: for captions, which a {spec.class_name} does not "
            "write."
        )
    known = [field.name for field in spec.load_run().fields_of("data")]
    wrong = [f"--{name}" for name in args.data_arguments if name not in known]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)}: not for the data of a {spec.class_name}."
        )
    start_tensorflow(args.debug)
    task = spec.load_task().from_preset(args.preset)
    dataset = spec.load_run().load_data(
        args.data, split=args.split, **args.data_arguments
    )
    if args.limit is not None:
        dataset = dataset.take(args.limit)
    dataset, skipped = _readable(task, dataset, args)
    if args.results:
        _write_answers(task, dataset, args)
    results = {}
    if set(spec.targets) & dataset.element_spec.keys():
        results = _evaluated(task, dataset, args, bool(given))
    if results or skipped:
        print(json.dumps({**results, **skipped}, indent=2, default=float))
    return 0


def _evaluated(task, dataset, args, judged) -> dict[str, Any]:
    names = args.evaluators
    names = names[0] if names in (["all"], ["auto"]) else names
    if judged:
        # Captions are written once, for the metrics that were asked for.
        names = None
    results = task.evaluate(
        dataset, batch_size=args.batch_size, verbose=0, evaluators=names
    )
    if judged:
        from mmkeras.cli.judge_captions import judge_captions

        results |= judge_captions(task, dataset, args)
    return results


def _readable(task, dataset, args) -> tuple:
    """The samples to evaluate, and with `--on-error skip` the number of others."""
    if args.on_error != "skip":
        return dataset, {}
    from mmkeras.data import readable_samples

    dataset, bad = readable_samples(dataset, task.preprocessor, args.batch_size)
    for line in bad:
        print(f"mmkeras: skipped {line}", file=sys.stderr)
    return dataset, {"skipped_images": len(bad)}


def _write_answers(task, dataset, args) -> None:
    if task.spec.output != "answer":
        raise ValueError("--results is for answers to questions.")
    from mmkeras.data.formats import write_vqa_results
    from mmkeras.models import written_answers

    write_vqa_results(written_answers(task, dataset, args.batch_size), args.results)
    print(f"Wrote {args.results}")
