"""Whether the shipped SavedModels say what their presets say, picture by picture.

    python benchmarks/serving_equality.py --pictures 200

Also serves a batch of eight of which three are corrupt, and decodes without the
key-value cache. Ends with an error if anything differs.
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np
import tensorflow as tf
from train_presets import DATA, NAMES, ROOT

import mmkeras


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    args = parser.parse_args()
    wrong = [
        check(args.root / name, DATA[language], args.pictures)
        for language, name in NAMES.items()
        if (args.root / name).is_dir()
    ]
    if any(wrong):
        raise SystemExit("Something differs.")


def check(folder: pathlib.Path, data: str, pictures: int) -> int:
    captioner = mmkeras.models.ImageCaptioner.from_preset(folder)
    serve = tf.saved_model.load(str(folder / "serving" / "1")).signatures
    serve = serve["serving_default"]
    images = [
        sample["image"].numpy()
        for sample in mmkeras.data.load(data, split="test").take(pictures)
    ]
    said = captioner.generate(images)
    served = texts(serve(image_bytes=tf.constant(images))["caption"])
    differing = count(said, served)
    print(f"{folder.name}: {len(images) - differing} of {len(images)} captions equal")

    batch = [images[0], b"", *images[1:3], images[3][:300], images[4], b"?", images[5]]
    good = [0, 2, 3, 5, 7]
    answer = serve(image_bytes=tf.constant(batch))
    captions, errors = texts(answer["caption"]), texts(answer["error"])
    unlike = count([captions[i] for i in good], [said[i] for i in (0, 1, 2, 4, 5)])
    unlike += sum(bool(errors[i]) == (i in good) for i in range(8))
    print(f"  corrupt: {[error for error in errors if error]}")

    pixels, _ = captioner.preprocessor.image_converter.convert(tf.constant(images))
    cached = captioner.generator()(pixels).token_ids[:, 0].numpy()
    uncached = decode_without_cache(captioner, pixels)
    tokens = int(np.sum(cached != uncached))
    print(f"  {cached.size - tokens} of {cached.size} tokens equal without a cache")
    return differing + unlike + tokens


def decode_without_cache(captioner, pixels) -> np.ndarray:
    tokenizer, length = captioner.preprocessor.tokenizer, captioner.backbone.max_length
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


def count(first, second) -> int:
    return sum(a != b for a, b in zip(first, second, strict=True))


def texts(tensor) -> list[str]:
    return [text.decode("utf-8") for text in tensor.numpy()]


if __name__ == "__main__":
    main()
