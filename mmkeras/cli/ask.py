from __future__ import annotations

import json
import pathlib

from mmkeras.cli.decoding_flags import (
    add_decoding_flags,
    decoding_options,
    given_decoding_flags,
)
from mmkeras.cli.load_preset import load_preset, preset_task
from mmkeras.cli.start_tensorflow import start_tensorflow

# --top-k is the number of answers here; for sampling there is --top-p.
_OWN = ("top_k", "num_sequences")


def add_parser(commands, common) -> None:
    parser = commands.add_parser(
        "ask", parents=[common], help="ask questions about a picture"
    )
    parser.add_argument("preset", help="folder of a preset, or a LiteRT file (.tflite)")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("questions", nargs="+", metavar="QUESTION")
    parser.add_argument("--adapters", help="file that `save_lora` wrote")
    parser.add_argument(
        "--top-k",
        type=int,
        help="so many answers with their probabilities or, written, scores",
    )
    parser.add_argument(
        "--explain",
        metavar="FILE",
        help="draw where the model looks for the (one) question, e.g. answer.png",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    add_decoding_flags(parser, without=_OWN)
    parser.set_defaults(run=run)


def run(args) -> int:
    if args.explain and len(args.questions) > 1:
        raise ValueError(
            f"--explain draws one question. Received {len(args.questions)} of them."
        )
    if not all(question.strip() for question in args.questions):
        raise ValueError("A QUESTION is blank. Ask something, in quotes.")
    if args.explain and not pathlib.Path(args.explain).parent.is_dir():
        raise ValueError(
            f"There is no folder {pathlib.Path(args.explain).parent} to write "
            f"--explain {args.explain} to. Make it first."
        )
    if args.preset.endswith(".tflite"):
        _refuse_decoding(args, "a LiteRT file, whose decoding was settled in `export`")
        vqa = _runner(args)
        writes = vqa.description["task"] == "GenerativeVisualQA"
        for question in args.questions:
            answers = vqa.answer(args.image, question, top_k=args.top_k or 1)
            _show(question, answers, args, writes)
        return 0
    start_tensorflow(args.debug)
    vqa = load_preset(args.preset, args.adapters)
    writes = preset_task(args.preset) == "GenerativeVisualQA"
    found = _written(vqa, args) if writes else _chosen(vqa, args)
    for question, answers in zip(args.questions, found, strict=True):
        _show(question, answers, args, writes)
    if args.explain:
        vqa.explain(args.image, args.questions[0]).plot(args.explain)
        print(f"Wrote {args.explain}")
    return 0


def _runner(args):
    from mmkeras.runtime import LiteRTVisualQA

    if args.explain or args.adapters:
        raise ValueError(
            f"{args.preset} is a LiteRT file, of which --explain and --adapters know "
            "nothing. Leave them out, or give the preset."
        )
    return LiteRTVisualQA(args.preset)


def _chosen(vqa, args) -> list[list[tuple[str, float]]]:
    if not hasattr(vqa, "answer"):
        raise ValueError(
            f"{args.preset} is the preset of {type(vqa).__name__}, which answers no "
            "questions. Try: mmkeras caption"
        )
    _refuse_decoding(args, "a preset that chooses among known answers")
    top_k = 1 if args.top_k is None else args.top_k
    return vqa.answer(args.image, args.questions, top_k=top_k)


def _written(vqa, args) -> list[list[tuple[str, float]]]:
    number = 1 if args.top_k is None else args.top_k
    if number < 1:
        raise ValueError(f"--top-k must be at least 1. Received: {number}.")
    options = decoding_options(args, without=_OWN)
    if not {"num_beams", "temperature", "top_p"} & options.keys():
        # As many answers take as many beams.
        options["num_beams"] = number
    found = vqa.answer(
        args.image, args.questions, return_scores=True, num_sequences=number, **options
    )
    return [[answers] for answers in found] if number == 1 else found


def _refuse_decoding(args, what) -> None:
    flags = given_decoding_flags(args, without=_OWN)
    if flags:
        raise ValueError(
            f"{args.preset} is {what}. Leave out what is for presets that write "
            f"answers: {', '.join(flags)}."
        )


def _show(question, answers, args, writes) -> None:
    if args.json:
        for answer, score in answers:
            row = {"question": question, "answer": answer, "score": score}
            print(json.dumps(row, ensure_ascii=False))
        return
    if args.top_k is None:
        text = answers[0][0]
    elif writes:
        text = ", ".join(f"{answer} ({score:.2f})" for answer, score in answers)
    else:
        text = ", ".join(f"{answer} ({score:.1%})" for answer, score in answers)
    print(f"{question} {text}" if len(args.questions) > 1 else text)
