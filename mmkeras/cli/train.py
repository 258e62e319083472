from __future__ import annotations

import argparse
import dataclasses

from mmkeras.cli.start_tensorflow import start_tensorflow

# flag, type and help of the settings of all runs, and of those of one kind
_SETTINGS = {
    "preset": (str, "folder of a preset to go on from"),
    "images": (str, "folder of the pictures of coco:FILE, vqa:FILE and their like"),
    "output": (str, "folder to write the preset to"),
    "image-encoder": (
        str,
        "small_cnn, efficientnet_lite0, _lite1 or _lite2; or a model of Keras 2 (.h5, "
        ".keras or a SavedModel folder)",
    ),
    "image-size": (int, "pixels"),
    "vocabulary-size": (int, "most tokens to learn"),
    "hidden-dim": (int, "dimension of the layers"),
    "dropout": (float, "share of activations dropped"),
    "feature-cache": (str, "folder to keep the features of a frozen encoder in"),
    "validation-fraction": (float, "share held out; 0 for none"),
    "limit": (int, "use at most so many samples"),
    "epochs": (int, ""),
    "batch-size": (int, "pictures a step"),
    "learning-rate": (float, "peak of the schedule"),
    "patience": (int, "epochs without a better validation loss"),
    "seed": (int, ""),
    "lora-rank": (int, "train low-rank adapters of this rank; needs --preset"),
    "on-error": (str, "raise or skip: what to do with pictures that are broken"),
}
_OF_CAPTIONER = {
    "data": (
        str,
        "a folder; coco:FILE, karpathy:FILE, flickr:FILE or conceptual:FILE; or a name "
        "in TFDS",
    ),
    "captions": (str, "table of captions of a folder (.csv, .jsonl)"),
    "unfreeze-layers": (int, "train so many of the image encoder's last layers"),
    "encoder-rate": (float, "factor of the image encoder's learning rate"),
    "sequence-length": (int, "most tokens of a caption"),
    "long-captions": (str, "error or cut: what to do with longer ones"),
    "num-layers": (int, "blocks of encoder and decoder each"),
    "captions-per-image": (int, "captions of a picture that a step learns from"),
}
_OF_VQA = {
    "data": (
        str,
        "a folder with questions.csv; vqa:QUESTIONS.json; or a name in TFDS",
    ),
    "questions": (str, "table of questions of a folder (.csv)"),
    "annotations": (str, "official file of the answers"),
    "text-encoder": (str, "gru, lstm, transformer or minilm"),
    "fusion": (str, "how pictures and questions meet, e.g. film, stacked_attention"),
    "head": (str, "classification (choose answers) or generative (write them)"),
    "num-answers": (int, "most answers that can be given"),
    "min-answer-count": (int, "how often an answer must be given in the data"),
    "sequence-length": (int, "most tokens of a question"),
    "answer-length": (int, "most tokens of an answer that is written"),
    "long-answers": (str, "error or cut: what to do with longer ones, if written"),
    "num-layers": (int, "transformer blocks over the regions"),
    "image-dropout": (float, "share of the questions that do not see their picture"),
    "text-dropout": (float, "share of the questions that are not read"),
}


def add_parser(commands, common) -> None:
    parser = commands.add_parser("train", help="train a model")
    tasks = parser.add_subparsers(required=True, metavar="TASK", dest="task")
    kinds = {
        "captioner": (_OF_CAPTIONER, "train a captioner"),
        "vqa": (_OF_VQA, "train visual question answering"),
    }
    for task, (own, text) in kinds.items():
        _add_flags(tasks.add_parser(task, parents=[common], help=text), own)


def _add_flags(parser, own) -> None:
    parser.add_argument("--config", help="run.yaml of a run to repeat")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="write to a folder that has files, starting anew",
    )
    settings = {**own, **_SETTINGS}
    for flag, (kind, text) in settings.items():
        parser.add_argument(
            f"--{flag}", type=kind, help=text, default=argparse.SUPPRESS
        )
    parser.add_argument(
        "--trainable-encoder",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help="train the image encoder too (default: if it is not pretrained)",
    )
    names = [*(flag.replace("-", "_") for flag in settings), "trainable_encoder"]
    parser.set_defaults(run=run, names=names)


def run(args) -> int:
    given = {name: getattr(args, name) for name in args.names if hasattr(args, name)}
    if not args.config:
        _require(given)
    start_tensorflow(args.debug)
    from mmkeras import training

    kind, train, verb = {
        "captioner": (training.CaptionerRun, training.train_captioner, "caption"),
        "vqa": (training.VisualQARun, training.train_visual_qa, "ask"),
    }[args.task]
    if args.config:
        settings = dataclasses.replace(kind.from_yaml(args.config), **given)
    else:
        settings = kind(**given)
    train(settings, overwrite=args.overwrite)
    question = ' "QUESTION"' if args.task == "vqa" else ""
    print(
        f"Wrote {settings.output}. "
        f"Try: mmkeras {verb} {settings.output} IMAGE{question}"
    )
    return 0


def _require(given) -> None:
    missing = [f"--{name}" for name in ("data", "output") if name not in given]
    if missing:
        raise ValueError(f"Give {' and '.join(missing)}, or --config run.yaml.")
