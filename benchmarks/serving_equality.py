"""Compare the shipped SavedModels with their presets, sample by sample.

    python benchmarks/serving_equality.py --limit 200
    python benchmarks/serving_equality.py saved_models/emoji_scenes_vqa

Each preset predicts for the first samples of its test split, all questions included,
and so does its SavedModel; in a batch of eight three images are corrupt. Captions are
also decoded without the key-value cache. The exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

import mmkeras

ROOT = pathlib.Path(__file__).resolve().parents[1] / "saved_models"
DATA = {
    "emoji_scenes_captioner": "emoji_scenes/small",
    "emoji_scenes_captioner_zh": "emoji_scenes/small_zh",
    "emoji_scenes_vqa": "emoji_scenes/small",
    "easy_vqa": "easy_vqa",
}
BATCH_SIZE = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "presets",
        type=pathlib.Path,
        nargs="*",
        default=[ROOT / name for name in DATA],
        help="default: all that are shipped",
    )
    parser.add_argument("--data", help="default: the data of the shipped preset")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="maximum number of images")
    parser.add_argument(
        "--export", action="store_true", help="write the SavedModels again first"
    )
    args = parser.parse_args()
    different = [_compare(preset, args) for preset in args.presets]
    if any(different):
        raise SystemExit("Some outputs differ.")


def _compare(preset, args) -> int:
    """The number of different outputs of a preset."""
    task = mmkeras.models.Task.from_preset(preset)
    folder = preset / "serving" / "1"
    if args.export:
        task.export(folder, overwrite=True)
    model = tf.saved_model.load(str(folder))
    serve = model.signatures["serving_default"]
    dataset = mmkeras.data.load(args.data or DATA[preset.name], split=args.split)
    samples = list(_samples(task.spec, dataset.take(args.limit or -1)))
    expected = task.predict_samples(samples)
    outputs = []
    for start in range(0, len(samples), BATCH_SIZE):
        batch = samples[start : start + BATCH_SIZE]
        outputs += _texts(serve(**_inputs(batch))[task.spec.output])
    different = _count(outputs, expected)
    print(f"{preset.name}: {len(samples) - different} of {len(samples)} outputs equal")
    different += _compare_corrupt(task.spec, serve, samples[:8], expected)
    if task.spec.output == "caption":
        different += _compare_uncached(task, samples)
    return different


def _samples(spec, dataset) -> Iterator[dict]:
    """The inputs of the task, a row for each question of an image."""
    for sample in dataset:
        texts = [sample[key].numpy() for key in spec.inputs if key != "image"]
        for row in zip(*texts, strict=True) if texts else [()]:
            values = [sample["image"].numpy(), *(text.decode("utf-8") for text in row)]
            yield dict(zip(spec.inputs, values, strict=True))


def _inputs(samples) -> dict[str, tf.Tensor]:
    names = {"image": "image_bytes"}
    return {
        names.get(key, key): tf.constant([sample[key] for sample in samples])
        for key in samples[0]
    }


def _compare_corrupt(spec, serve, samples, expected) -> int:
    corrupt = {1: b"", 4: samples[4]["image"][:300], 6: b"?"}
    batch = [
        {**sample, "image": corrupt.get(i, sample["image"])}
        for i, sample in enumerate(samples)
    ]
    outputs = serve(**_inputs(batch))
    texts, errors = _texts(outputs[spec.output]), _texts(outputs["error"])
    valid = [i for i in range(len(batch)) if i not in corrupt]
    different = _count([texts[i] for i in valid], [expected[i] for i in valid])
    different += sum(bool(error) != (i in corrupt) for i, error in enumerate(errors))
    print(f"  corrupt: {[error for error in errors if error]}")
    return different


def _compare_uncached(task, samples) -> int:
    images = tf.constant([sample["image"] for sample in samples])
    pixels, _ = task.preprocessor.image_converter.convert(images)
    cached = task.generator()(pixels).token_ids[:, 0].numpy()
    different = int(np.sum(cached != _decode_without_cache(task, pixels)))
    print(f"  {cached.size - different} of {cached.size} tokens equal without a cache")
    return different


def _decode_without_cache(captioner, pixels) -> np.ndarray:
    tokenizer = captioner.preprocessor.tokenizer
    length = captioner.backbone.sequence_length
    rows = len(pixels)
    ids = np.zeros((rows, length + 1), "int32")
    ids[:, 0] = tokenizer.start_token_id
    ended = np.zeros(rows, bool)
    for position in range(length):
        inputs = {"images": pixels, "token_ids": ids[:, :-1]}
        logits = captioner(inputs, training=False).numpy()[:, position]
        chosen = np.where(ended, tokenizer.pad_token_id, logits.argmax(-1))
        ids[:, position + 1] = chosen
        ended |= chosen == tokenizer.end_token_id
    return ids[:, 1:]


def _count(first, second) -> int:
    return sum(a != b for a, b in zip(first, second, strict=True))


def _texts(tensor) -> list[str]:
    return [text.decode("utf-8") for text in tensor.numpy()]


if __name__ == "__main__":
    main()
