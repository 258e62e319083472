"""Train, evaluate and write the captioners in `saved_models/`.

python benchmarks/train_presets.py --language en
python benchmarks/train_presets.py --language zh
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import time

import keras

import mmkeras

NAMES = {"en": "emoji_scenes_captioner", "zh": "emoji_scenes_captioner_zh"}
DATA = {"en": "emoji_scenes/small", "zh": "emoji_scenes/small_zh"}
# In Chinese the attributes of an object do not directly follow its name.
OPTIONS = {"en": {"word_context": False}, "zh": {"word_context": True}}
# Maximum number of tokens of a caption with its end token.
LONGEST = {"en": 28, "zh": 31}
ROOT = pathlib.Path(__file__).resolve().parent.parent / "saved_models"

CARD = """# {name}

Captions of `{data}` in {language_name}: generated images composed of OpenMoji
drawings, not photographs. The model knows 60 objects, counts up to four, six
background colours, and left, right, above and below; it is a demonstration and does not
work on photographs.

- Architecture: `small_cnn` (96 px, stride 16), 2 + 2 transformer blocks of 128,
  {parameters:,} parameters, from scratch.
- Data: `{data}`, split `train` ({scenes:,} generated scenes).
- Trained by: `python benchmarks/train_presets.py --language {language}
  --epochs {epochs} --batch-size {batch_size} --learning-rate {learning_rate}
  --seed {seed}`
  on {date}, {machine}, {cores} cores; training took {minutes:.1f} minutes.
- Greedy captions that are true of their scene (all objects with their counts, a
  relation, nothing false), 1,000 scenes each:

| split | true captions | perplexity | token accuracy |
| --- | --- | --- | --- |
{rows}

`serving/1/` is the SavedModel of this preset. Weights: Apache-2.0. The training
images derive from [OpenMoji](https://openmoji.org) (CC BY-SA 4.0).
"""


class EpochTimes(keras.callbacks.Callback):
    """Prints the time after each epoch, for the model card."""

    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        minutes = (time.monotonic() - self.start) / 60
        print(f"epoch {epoch + 1}: {minutes:.1f} minutes", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--language", choices=sorted(NAMES), default="en")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, help="maximum number of scenes")
    parser.add_argument("--output", type=pathlib.Path)
    args = parser.parse_args()
    output = args.output or ROOT / NAMES[args.language]

    data = DATA[args.language]
    train, *tests = mmkeras.data.load(
        data, split=("train", "validation", "test", "test_unseen_pairs")
    )
    if args.scenes is not None:
        train, *tests = (dataset.take(args.scenes) for dataset in (train, *tests))
    captioner = mmkeras.models.ImageCaptioner.from_data(
        train,
        seed=args.seed,
        dropout=0.0,
        sequence_length=LONGEST[args.language],
        **OPTIONS[args.language],
    )
    captioner.compile(learning_rate=args.learning_rate, captions_per_image=3)
    start = time.monotonic()
    losses = captioner.fit(
        train,
        batch_size=args.batch_size,
        epochs=args.epochs,
        seed=args.seed,
        callbacks=[EpochTimes()],
        verbose=2,
    ).history["loss"]
    minutes = (time.monotonic() - start) / 60

    results = {}
    for split, dataset in zip(
        ("validation", "test", "test_unseen_pairs"), tests, strict=True
    ):
        results[split] = captioner.evaluate(dataset, verbose=0)
        print(split, results[split], flush=True)

    shutil.rmtree(output, ignore_errors=True)
    captioner.save_to_preset(output)
    captioner.export(output / "serving" / "1")
    (output / "metrics.json").write_text(json.dumps(results, indent=2) + "\n")
    (output / "history.json").write_text(json.dumps({"loss": losses}) + "\n")
    rows = "\n".join(
        f"| `{split}` | {r['true_captions']:.1%} | {r['perplexity']:.3f} "
        f"| {r['token_accuracy']:.1%} |"
        for split, r in results.items()
    )
    card = CARD.format(
        name=NAMES[args.language],
        data=data,
        language=args.language,
        scenes=int(train.cardinality()),
        language_name={"en": "English", "zh": "Chinese"}[args.language],
        parameters=captioner.count_params(),
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        seed=args.seed,
        date=datetime.date.today(),
        machine=_machine(),
        cores=os.cpu_count(),
        minutes=minutes,
        rows=rows,
    )
    (output / "README.md").write_text(card, encoding="utf-8")


def _machine() -> str:
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(": ")[2] for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
