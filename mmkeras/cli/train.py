from __future__ import annotations

import argparse
import dataclasses

from mmkeras.cli.start_tensorflow import start_tensorflow

# flag, type and help of every setting of a run
_SETTINGS = {
    "data": (
        str,
        "a folder; coco:FILE, karpathy:FILE, flickr:FILE or conceptual:FILE; or a name "
        "in TFDS",
    ),
    "preset": (str, "folder of a preset to go on from"),
    "captions": (str, "table of captions of a folder (.csv, .jsonl)"),
    "images": (str, "folder of the pictures of coco:FILE and its like"),
    "output": (str, "folder to write the preset to"),
    "image-encoder": (str, "small_cnn, efficientnet_lite0, _lite1 or _lite2"),
    "image-size": (int, "pixels"),
    "unfreeze-layers": (int, "train so many of the image encoder's last layers"),
    "encoder-rate": (float, "factor of the image encoder's learning rate"),
    "vocabulary-size": (int, "most tokens to learn"),
    "sequence-length": (int, "most tokens of a caption"),
    "long-captions": (str, "error or cut: what to do with longer ones"),
    "hidden-dim": (int, "dimension of the transformer"),
    "num-layers": (int, "blocks of encoder and decoder each"),
    "dropout": (float, "share of activations dropped"),
    "feature-cache": (str, "folder to keep the features of a frozen encoder in"),
    "validation-fraction": (float, "share held out; 0 for none"),
    "limit": (int, "use at most so many samples"),
    "epochs": (int, ""),
    "batch-size": (int, "pictures a step"),
    "captions-per-image": (int, "captions of a picture that a step learns from"),
    "learning-rate": (float, "peak of the schedule"),
    "patience": (int, "epochs without a better validation loss"),
    "seed": (int, ""),
    "on-error": (str, "raise or skip: what to do with pictures that are broken"),
}


def add_parser(commands, common) -> None:
    parser = commands.add_parser("train", parents=[common], help="train a model")
    parser.add_argument("task", nargs="?", choices=["captioner"])
    parser.add_argument("--config", help="run.yaml of a run to repeat")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="write to a folder that has files, starting anew",
    )
    for flag, (kind, text) in _SETTINGS.items():
        parser.add_argument(
            f"--{flag}", type=kind, help=text, default=argparse.SUPPRESS
        )
    parser.add_argument(
        "--trainable-encoder",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help="train the image encoder too (default: if it is not pretrained)",
    )
    parser.set_defaults(run=run)


def run(args) -> int:
    names = [*(flag.replace("-", "_") for flag in _SETTINGS), "trainable_encoder"]
    given = {name: getattr(args, name) for name in names if hasattr(args, name)}
    if not args.config:
        _require(args.task, given)
    start_tensorflow(args.debug)
    from mmkeras.training import CaptionerRun, train_captioner

    if args.config:
        settings = dataclasses.replace(CaptionerRun.from_yaml(args.config), **given)
    else:
        settings = CaptionerRun(**given)
    train_captioner(settings, overwrite=args.overwrite)
    print(f"Wrote {settings.output}. Try: mmkeras caption {settings.output} IMAGE")
    return 0


def _require(task, given) -> None:
    if task is None:
        raise ValueError("Say what to train: mmkeras train captioner --data ...")
    missing = [f"--{name}" for name in ("data", "output") if name not in given]
    if missing:
        raise ValueError(f"Give {' and '.join(missing)}, or --config run.yaml.")
