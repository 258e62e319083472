"""Measure the time saved by encoding an image once for all of its questions.

    python benchmarks/batching_by_image.py

Trains the same model on easy-VQA, two epochs batched by image and two with a single
question in each row, with the same average number of questions in a step, in turns. The
ratio is of the second epochs, as the first ones set the dataset up.
"""

from __future__ import annotations

import argparse

import numpy as np
import tensorflow as tf

import mmkeras.data
from mmkeras.models import VisualQA


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--fusion", default="stacked_attention")
    args = parser.parse_args()
    grouped = mmkeras.data.load("easy_vqa").take(args.images).cache()
    single = grouped.flat_map(_one_by_one).cache()
    questions = sum(1 for _ in single)
    per_image = questions / args.images
    single = single.apply(tf.data.experimental.assert_cardinality(questions))
    runs = {
        "by image": (grouped, 32),
        "by question": (single, round(32 * per_image)),
    }
    models = {name: _compiled(grouped, args.fusion) for name in runs}
    seconds = {name: [] for name in runs}
    for _ in range(args.pairs):
        for name, (data, batch_size) in runs.items():
            history = models[name].fit(data, epochs=2, batch_size=batch_size, verbose=0)
            seconds[name].append(history.history["epoch_seconds"][-1])
    for name, times in seconds.items():
        print(
            f"{name:20} {np.median(times):6.2f} s for an epoch of {questions} questions"
        )
    pairs = zip(*seconds.values(), strict=True)
    ratios = [slow / fast for fast, slow in pairs]
    print(f"ratio, median of {args.pairs} pairs: {np.median(ratios):.2f}")


def _one_by_one(sample):
    texts = {key: sample[key] for key in ("question", "answer")}
    return tf.data.Dataset.from_tensor_slices(texts).map(
        lambda text: {"image": sample["image"], **text}
    )


def _compiled(dataset, fusion) -> VisualQA:
    vqa = VisualQA.from_data(
        dataset, image_size=64, fusion=fusion, num_layers=0, seed=0
    )
    # A constant learning rate, for equal epochs.
    vqa.compile("adam")
    return vqa


if __name__ == "__main__":
    main()
