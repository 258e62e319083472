"""How much time is saved by encoding a picture once for all of its questions.

    python benchmarks/batching_by_image.py

Trains the same model on easy-VQA, two epochs batched by picture and two with one
question a row, as many questions a step on average, alternating, and prints the ratio
of the times of the second ones: the first one sets the dataset up.
"""

from __future__ import annotations

import argparse

import numpy as np
import tensorflow as tf

import mmkeras.data
from mmkeras.models import VisualQA


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--fusion", default="stacked_attention")
    args = parser.parse_args()
    grouped = mmkeras.data.load("easy_vqa").take(args.pictures).cache()
    single = grouped.flat_map(_one_by_one).cache()
    questions = sum(1 for _ in single)
    per_picture = questions / args.pictures
    single = single.apply(tf.data.experimental.assert_cardinality(questions))
    runs = {
        "by picture": (grouped, 32),
        "one pass a question": (single, round(32 * per_picture)),
    }
    models = {name: _compiled(grouped, args.fusion) for name in runs}
    seconds = {name: [] for name in runs}
    for _ in range(args.pairs):
        for name, (data, batch_size) in runs.items():
            history = models[name].fit(data, epochs=2, batch_size=batch_size, verbose=0)
            seconds[name].append(history.history["epoch_seconds"][-1])
    for name, found in seconds.items():
        print(f"{name:20} {np.median(found):6.2f} s an epoch of {questions} questions")
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
        dataset, image_size=64, fusion=fusion, num_encoder_layers=0, seed=0
    )
    # One optimizer throughout: a schedule would be traced anew for each epoch.
    vqa.compile("adam")
    return vqa


if __name__ == "__main__":
    main()
