from __future__ import annotations

import json

from mmkeras.cli.start_tensorflow import start_tensorflow


def add_parser(commands, common) -> None:
    parser = commands.add_parser(
        "ask", parents=[common], help="ask questions about a picture"
    )
    parser.add_argument("preset", help="folder of a preset")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("questions", nargs="+", metavar="QUESTION")
    parser.add_argument("--adapters", help="file that `save_lora` wrote")
    parser.add_argument(
        "--top-k", type=int, help="so many answers with their probabilities"
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
    start_tensorflow(args.debug)
    from mmkeras.models import VisualQA

    vqa = VisualQA.from_preset(args.preset)
    if args.adapters:
        vqa.load_lora(args.adapters)
    found = vqa.answer(args.image, args.questions, top_k=args.top_k or 1)
    for question, answers in zip(args.questions, found, strict=True):
        if args.json:
            for answer, score in answers:
                row = {"question": question, "answer": answer, "score": score}
                print(json.dumps(row, ensure_ascii=False))
            continue
        if args.top_k is None:
            text = answers[0][0]
        else:
            text = ", ".join(f"{answer} ({score:.1%})" for answer, score in answers)
        print(f"{question} {text}" if len(found) > 1 else text)
    if args.explain:
        vqa.explain(args.image, args.questions[0]).plot(args.explain)
        print(f"Wrote {args.explain}")
    return 0
