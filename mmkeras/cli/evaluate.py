from __future__ import annotations

import json
import pathlib
import sys

from mmkeras.cli.load_preset import load_preset, preset_task
from mmkeras.cli.start_tensorflow import start_tensorflow


def add_parser(commands, common) -> None:
    parser = commands.add_parser(
        "evaluate", parents=[common], help="measure a preset or a file of captions"
    )
    parser.add_argument(
        "preset", help="folder of a preset, or captions in COCO's format of results"
    )
    parser.add_argument(
        "--data",
        help="of a preset: a folder; coco:FILE, karpathy:FILE, flickr:FILE, "
        "conceptual:FILE or vqa:FILE; or a name in TFDS",
    )
    parser.add_argument("--questions", help="table of questions of a folder")
    parser.add_argument(
        "--annotations",
        help="answers of vqa:FILE; or of a file of answers in VQA v2's format of "
        "results, to judge it by",
    )
    parser.add_argument(
        "--results",
        metavar="FILE",
        help="write the answers in VQA v2's format of results",
    )
    parser.add_argument("--captions", help="table of captions of a folder")
    parser.add_argument(
        "--images", help="folder of the pictures of coco:FILE and its like"
    )
    parser.add_argument(
        "--split", default="test", help="of a dataset in TFDS, karpathy: or flickr:"
    )
    parser.add_argument("--limit", type=int, help="use at most so many samples")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        help="of a preset: stop at a picture that is broken (the default), or leave it "
        "out and count it",
    )
    _add_metrics(parser)
    parser.set_defaults(run=run)


def _add_metrics(parser) -> None:
    group = parser.add_argument_group("captions")
    group.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="BLEU-1 to BLEU-4, ROUGE_L, CIDEr-D, METEOR, METEOR-exact-stem, SPICE; of "
        "a preset, to write captions and judge them",
    )
    group.add_argument(
        "--tokenizer", default="ptb", help="ptb (COCO's), characters or jieba"
    )
    group.add_argument("--report", metavar="HTML", help="write a page of the scores")
    group.add_argument(
        "--references", help="of a file of captions: COCO's annotations to judge it by"
    )
    group.add_argument(
        "--against", help="another file of captions, for the paired bootstrap"
    )
    group.add_argument(
        "--train-references",
        metavar="FILE",
        help="COCO's annotations of the training: the report tells novel captions from "
        "copies",
    )
    group.add_argument(
        "--allow-missing",
        action="store_true",
        help="judge the images that both files have",
    )


def run(args) -> int:
    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit must be at least 1. Received: {args.limit}.")
    if pathlib.Path(args.preset).is_file() or args.preset.endswith(".json"):
        if args.on_error:
            raise ValueError("--on-error goes with a preset: no picture is read here.")
        if args.annotations:
            return _evaluate_answer_file(args)
        from mmkeras.cli.evaluate_results import evaluate_results

        return evaluate_results(args)
    if args.data is None:
        raise ValueError(
            "A preset is measured on --data. To judge a file of captions, give it in "
            "place of the preset, with --references."
        )
    if preset_task(args.preset) in ("VisualQA", "GenerativeVisualQA"):
        return _evaluate_answers(args)
    return _evaluate_captions(args)


def _evaluate_answer_file(args) -> int:
    from mmkeras.data.formats import read_vqa_annotations, read_vqa_results
    from mmkeras.metrics import evaluate_answers

    report = evaluate_answers(
        read_vqa_annotations(args.annotations),
        read_vqa_results(args.preset),
        args.allow_missing,
    )
    print(json.dumps(report, indent=2))
    return 0


def _evaluate_answers(args) -> int:
    if args.metrics or args.report or args.captions:
        raise ValueError("--metrics, --report and --captions go with captions.")
    start_tensorflow(args.debug)
    from mmkeras.data import open_samples
    from mmkeras.models import VisualQA
    from mmkeras.training import visual_qa_report, written_answers

    vqa = load_preset(args.preset)
    dataset = open_samples(
        args.data,
        "question",
        split=args.split,
        limit=args.limit,
        questions=args.questions,
        annotations=args.annotations,
        images=args.images,
    )
    dataset, skipped = _readable(vqa, dataset, args)
    if args.results:
        from mmkeras.data.formats import write_vqa_results

        write_vqa_results(written_answers(vqa, dataset, args.batch_size), args.results)
        print(f"Wrote {args.results}")
    if not {"answer", "answers"} & dataset.element_spec.keys():
        return 0
    if isinstance(vqa, VisualQA):
        results = visual_qa_report(vqa, dataset, args.batch_size)
    else:
        results = vqa.evaluate(dataset, batch_size=args.batch_size, verbose=0)
    print(json.dumps({**results, **skipped}, indent=2, default=float))
    return 0


def _readable(task, dataset, args) -> tuple:
    """The samples to measure on, and with `--on-error skip` how many these are not."""
    if args.on_error != "skip":
        return dataset, {}
    from mmkeras.training import readable_samples

    dataset, bad = readable_samples(task, dataset, args.batch_size)
    for line in bad:
        print(f"mmkeras: skipped {line}", file=sys.stderr)
    return dataset, {"skipped_images": len(bad)}


def _evaluate_captions(args) -> int:
    start_tensorflow(args.debug)
    from mmkeras.data import open_samples
    from mmkeras.models import ImageCaptioner

    captioner = ImageCaptioner.from_preset(args.preset)
    dataset = open_samples(
        args.data,
        "caption",
        split=args.split,
        limit=args.limit,
        captions=args.captions,
        images=args.images,
    )
    dataset, skipped = _readable(captioner, dataset, args)
    results = captioner.evaluate(dataset, batch_size=args.batch_size, verbose=0)
    results = {name: float(value) for name, value in results.items()}
    if args.metrics or args.report:
        results |= _judged(captioner, dataset, args)
    print(json.dumps({**results, **skipped}, indent=2))
    return 0


def _judged(captioner, dataset, args) -> dict[str, float]:
    """Scores of the captions that the preset writes; also writes the report."""
    from mmkeras.cli.known_captions import known_captions
    from mmkeras.metrics import CaptionReferences, evaluate_captions
    from mmkeras.training import caption_report, caption_samples, scene_hallucination

    written = caption_samples(captioner, dataset, args.batch_size)
    references = CaptionReferences(written.references, args.tokenizer)
    hallucination = {}
    if written.scenes and args.tokenizer == "ptb":
        hallucination = scene_hallucination(written.captions, written.scenes)
    if args.report:
        scores = caption_report(
            args.report,
            references,
            written.captions,
            args.metrics,
            _picture_of(written.images),
            known_captions(args),
            hallucination,
        )
    else:
        scores = evaluate_captions(references, written.captions, args.metrics)
    return scores | hallucination


def _picture_of(images: dict):
    def picture(image_id):
        image = images[image_id]
        # Arrays are not shown: the report takes files as they are.
        return image if isinstance(image, bytes) else None

    return picture
