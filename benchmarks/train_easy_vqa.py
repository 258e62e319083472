"""Measure accuracy and training time on easy-VQA, of one or all fusion blocks.

    python benchmarks/train_easy_vqa.py --seeds 0 1 2
    python benchmarks/train_easy_vqa.py --quick --seeds 0 1 2
    python benchmarks/train_easy_vqa.py --quick --fusion all --seeds 0
    python benchmarks/train_easy_vqa.py --quick --generative --seeds 0
    python benchmarks/train_easy_vqa.py --save saved_models/easy_vqa --seeds 0

Prints a table of test accuracy (9,673 questions) and seconds of `fit`, tracing
included. `--quick` trains a CNN of two thirds of the width with batches of twice the
size, in half of the time. `--generative` trains a model that generates answers, which
count as correct if they equal those of the data.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import keras
import numpy as np

import mmkeras.data
from mmkeras.layers import fusion as fusion_blocks
from mmkeras.models import GenerativeVisualQA, VisualQA, small_cnn, visual_qa_report

SIDE = 64
SETTINGS = {"image_size": SIDE, "hidden_dim": 128, "num_layers": 1}
# width of the CNN, batch size, learning rate
THOROUGH, QUICK = (24, 16, 2e-3), (16, 32, 3e-3)


def main() -> None:
    args = _arguments()
    train, test = mmkeras.data.load("easy_vqa", split=("train", "test"))
    names = fusion_blocks.names() if args.fusion == "all" else [args.fusion]
    print(f"{'fusion':32}{'parameters':>12}{'seed':>6}{'accuracy':>10}{'seconds':>9}")
    for name in names:
        found = []
        for seed in args.seeds:
            vqa, seconds = _trained(train, name, seed, args)
            accuracy = vqa.evaluate(test, batch_size=100, verbose=0)["accuracy"]
            found.append(accuracy)
            parameters = vqa.backbone.fusion.count_params()
            print(
                f"{name:32}{parameters:12,}{seed:6}{accuracy:10.2%}{seconds:9.0f}",
                flush=True,
            )
        if len(found) > 1:
            print(f"{name:32}{'mean':>18}{np.mean(found):10.2%}")
    if args.save:
        _save(vqa, test, pathlib.Path(args.save))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--fusion", default="stacked_attention", help="name of a block, or all"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--generative", action="store_true")
    parser.add_argument("--verbose", type=int, default=0)
    parser.add_argument("--save", help="folder to write the last model to")
    args = parser.parse_args()
    if args.generative and args.save:
        parser.error("--save is for the shipped preset, which is not generative")
    return args


def _trained(train, name, seed, args):
    width, batch_size, learning_rate = QUICK if args.quick else THOROUGH
    kind = GenerativeVisualQA if args.generative else VisualQA
    vqa = kind.from_data(
        train,
        fusion=name,
        image_encoder=_narrow_cnn(width) if args.quick else "small_cnn",
        seed=seed,
        modality_dropout={"image": 0.02, "text": 0.02},
        **SETTINGS,
    )
    vqa.compile(learning_rate=learning_rate)
    start = time.perf_counter()
    vqa.fit(
        train,
        epochs=args.epochs,
        batch_size=batch_size,
        shuffle_buffer=4000,
        seed=seed,
        verbose=args.verbose,
    )
    return vqa, time.perf_counter() - start


def _narrow_cnn(width) -> keras.Model:
    scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
    return keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), scale, small_cnn(SIDE, width)]
    )


def _save(vqa, test, folder) -> None:
    report = visual_qa_report(vqa, test, batch_size=100)
    vqa.save_to_preset(folder)
    vqa.export(folder / "serving" / "1", overwrite=True)
    (folder / "metrics.json").write_text(json.dumps({"test": report}, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
