"""Whether the SavedModel of a VQA preset answers as `answer` does.

    python benchmarks/vqa_serving_equality.py saved_models/emoji_scenes_vqa

Exports the preset anew with `--export`, then asks all questions of a test split twice.
"""

from __future__ import annotations

import argparse
import pathlib

import tensorflow as tf

import mmkeras.data
from mmkeras.models import VisualQA


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("preset", type=pathlib.Path)
    parser.add_argument("--data", default="emoji_scenes/small")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="use at most so many pictures")
    parser.add_argument("--export", action="store_true")
    args = parser.parse_args()
    vqa = VisualQA.from_preset(args.preset)
    folder = args.preset / "serving" / "1"
    if args.export:
        vqa.export(folder, overwrite=True)
    served = tf.saved_model.load(str(folder))
    serve = served.signatures["serving_default"]
    dataset = mmkeras.data.load(args.data, split=args.split)
    dataset = dataset if args.limit is None else dataset.take(args.limit)
    equal = total = 0
    for batch in dataset.ragged_batch(32):
        questions = [[q.decode() for q in row] for row in batch["question"].to_list()]
        answers = vqa.answer(batch["image"], questions)
        lengths = batch["question"].row_lengths()
        outputs = serve(
            image_bytes=tf.repeat(batch["image"], lengths),
            question=batch["question"].flat_values,
        )
        found = [text.decode() for text in outputs["answer"].numpy()]
        expected = [answer for row in answers for answer in row]
        equal += sum(a == b for a, b in zip(found, expected, strict=True))
        total += len(expected)
    print(f"{equal} of {total} answers of {args.preset} are equal")


if __name__ == "__main__":
    main()
