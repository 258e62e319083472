"""Train on easy-VQA, or answer questions about a folder of images on a page.

    python apps/vqa/run.py train --output my_easy_vqa
    python apps/vqa/run.py ask saved_models/emoji_scenes_vqa IMAGES \
        --question "what colour is the background?" --question "is there a cat?"

`train` prints the accuracy on the test questions, also without images and with shuffled
images. `ask` writes a page with the answers, the attention and Grad-CAM.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> None:
    """Run the application.

    Args:
        arguments: list of strings, or `None` for the arguments of the process.
    """
    args = _parser().parse_args(arguments)
    args.run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train on easy-VQA")
    train.add_argument("--output", type=pathlib.Path, required=True)
    train.add_argument("--fusion", default="stacked_attention")
    train.add_argument("--epochs", type=int, default=10)
    train.add_argument(
        "--limit", type=int, help="maximum number of images of each split"
    )
    train.set_defaults(run=_train)
    ask = commands.add_parser(
        "ask", help="answer questions about the images of a folder"
    )
    ask.add_argument("preset", type=pathlib.Path)
    ask.add_argument("images", type=pathlib.Path)
    ask.add_argument("--question", action="append", required=True)
    ask.add_argument("--output", type=pathlib.Path, default=pathlib.Path("answers"))
    ask.set_defaults(run=_ask)
    return parser


def _train(args) -> None:
    import mmkeras

    train, test = mmkeras.data.load("easy_vqa", split=("train", "test"))
    if args.limit is not None:
        train, test = train.take(args.limit), test.take(args.limit)
    vqa = mmkeras.models.VisualQA.from_data(
        train, image_size=64, fusion=args.fusion, seed=0
    )
    vqa.fit(train, validation_data=test, epochs=args.epochs, batch_size=32)
    print(json.dumps(mmkeras.training.visual_qa_report(vqa, test), indent=2))
    vqa.save_to_preset(args.output)
    print(f"Wrote {args.output}")


def _ask(args) -> None:
    import mmkeras
    from apps.vqa.page import write_page

    if args.output.resolve() == args.images.resolve():
        raise SystemExit(
            f"The page would be written among the images of {args.images}. Give "
            "another folder with --output."
        )
    paths = sorted(path for path in args.images.iterdir() if path.is_file())
    if not paths:
        raise SystemExit(f"There are no images in {args.images}.")
    vqa = mmkeras.models.VisualQA.from_preset(args.preset)
    answers = vqa.answer(
        paths, [args.question] * len(paths), num_sequences=2, on_error="skip"
    )
    page = write_page(args.output, vqa, paths, args.question, answers)
    print(f"Open {page}")


if __name__ == "__main__":
    # `python apps/vqa/run.py` puts this folder on sys.path, not the root.
    sys.path.insert(0, str(ROOT))
    main()
