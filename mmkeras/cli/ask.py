from __future__ import annotations

import json
import pathlib

from mmkeras.cli.load_preset import load_preset, preset_task
from mmkeras.cli.start_tensorflow import start_tensorflow


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
    top_k = 1 if args.top_k is None else args.top_k
    return vqa.answer(args.image, args.questions, top_k=top_k)


def _written(vqa, args) -> list[list[tuple[str, float]]]:
    if args.explain:
        raise ValueError(
            "--explain shows why an answer was chosen, and this preset writes its "
            "answers. Leave it out."
        )
    number = 1 if args.top_k is None else args.top_k
    found = vqa.answer(
        args.image,
        args.questions,
        return_scores=True,
        num_beams=number,
        num_captions=number,
    )
    return [[answers] for answers in found] if number == 1 else found


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
