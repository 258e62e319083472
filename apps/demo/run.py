"""Caption, train, evaluate, export and reload, and show the results on a page.

`make demo` runs this.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRESET = ROOT / "saved_models" / "emoji_scenes_captioner"
QUESTIONS = ROOT / "saved_models" / "emoji_scenes_vqa"

# What a server runs: TensorFlow without mmkeras.
RELOAD = """
import json, pathlib, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
images = [pathlib.Path(path).read_bytes() for path in sys.argv[2:]]
outputs = model.signatures["serving_default"](image_bytes=tf.constant(images))
assert "mmkeras" not in sys.modules
print(json.dumps([text.decode() for text in outputs["caption"].numpy()]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=pathlib.Path, default=ROOT / "demo_report")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--train-scenes", type=int, default=24_000)
    parser.add_argument("--test-scenes", type=int, default=500)
    parser.add_argument("--images", type=int, default=12)
    args = parser.parse_args()

    begin = time.monotonic()
    import keras

    import mmkeras
    from apps.demo.report import write_report

    args.report.mkdir(parents=True, exist_ok=True)
    say("Generating emoji_scenes/small (once; stored in ~/tensorflow_datasets)")
    train, test = mmkeras.data.load("emoji_scenes/small", split=("train", "test"))
    train, test = train.take(args.train_scenes), test.take(args.test_scenes)
    samples = save_images(test, args.images, args.report)
    paths = [str(sample["path"]) for sample in samples]

    say(f"Captioning with the shipped preset {PRESET.relative_to(ROOT)}")
    shipped = mmkeras.models.ImageCaptioner.from_preset(PRESET)
    for sample, caption in zip(samples, shipped.generate(paths), strict=True):
        sample["shipped"] = caption
        print(f"  {sample['path'].name}: {caption}")

    say(f"Answering with the shipped preset {QUESTIONS.relative_to(ROOT)}")
    vqa = mmkeras.models.VisualQA.from_preset(QUESTIONS)
    for sample in samples:
        answer_questions(vqa, sample)

    say("Training a captioner from scratch")
    # In English the side of an object is named right after it, so that no wider context
    # is needed.
    captioner = mmkeras.models.ImageCaptioner.from_data(
        train, seed=0, dropout=0.0, sequence_length=28, word_context=False
    )
    captioner.compile(captions_per_image=3)
    losses = BatchLosses()
    start = time.monotonic()
    captioner.fit(
        train,
        epochs=args.epochs,
        batch_size=16,
        callbacks=[losses.callback(keras)],
    )
    minutes = (time.monotonic() - start) / 60

    say("Evaluating on unseen scenes")
    results = captioner.evaluate(test)
    results["training_minutes"] = minutes
    for name, value in results.items():
        print(f"  {name}: {value:.3f}")

    say("Exporting a SavedModel and reloading it in a fresh process")
    export = args.report / "export" / "captioner" / "1"
    shutil.rmtree(export, ignore_errors=True)
    captioner.export(export)
    generated = captioner.generate(paths)
    served = reload_in_fresh_process(export, paths)
    if served != generated:
        pairs = zip(served, generated, strict=True)
        differing = [pair for pair in pairs if len(set(pair)) > 1]
        raise SystemExit(f"The captions of the SavedModel differ: {differing}")
    print(f"  {len(served)} of {len(generated)} captions are equal.")

    for sample, caption in zip(samples, generated, strict=True):
        sample["trained"] = caption
    page = write_report(args.report, shipped, samples, results, losses.values)
    say(f"Done in {(time.monotonic() - begin) / 60:.1f} minutes. Open {page}")


class BatchLosses:
    """Running loss after every 20th batch."""

    def __init__(self):
        self.values: list[float] = []

    def callback(self, keras):
        def record(batch, logs):
            if batch % 20 == 0:
                self.values.append(float(logs["loss"]))

        return keras.callbacks.LambdaCallback(on_train_batch_end=record)


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def save_images(dataset, number: int, folder: pathlib.Path) -> list[dict]:
    samples = []
    for index, sample in enumerate(dataset.take(number)):
        path = folder / f"image_{index:02}.png"
        path.write_bytes(sample["image"].numpy())
        references = [text.decode() for text in sample["captions"].numpy()]
        scene = sample["scene"].numpy().decode()
        pairs = zip(sample["question"].numpy(), sample["answer"].numpy(), strict=True)
        samples.append(
            {
                "path": path,
                "references": references,
                "scene": scene,
                "questions": [(q.decode(), a.decode()) for q, a in pairs],
            }
        )
    return samples


def answer_questions(vqa, sample: dict) -> None:
    """Add answers to the sample, and a drawing that explains the first of them."""
    path = sample["path"]
    questions = [question for question, _ in sample["questions"]]
    answers = vqa.answer(path, questions)
    pairs = zip(sample["questions"], answers, strict=True)
    sample["answers"] = [(*pair, answer) for pair, answer in pairs]
    sample["explanation"] = path.with_name(f"{path.stem}_explanation.png")
    vqa.explain(path, questions[0]).plot(sample["explanation"])
    question, _, answer = sample["answers"][0]
    print(f"  {path.name}: {question} {answer}")


def reload_in_fresh_process(export: pathlib.Path, paths: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as elsewhere:
        process = subprocess.run(
            [sys.executable, "-c", RELOAD, str(export.resolve())]
            + [str(pathlib.Path(path).resolve()) for path in paths],
            capture_output=True,
            text=True,
            cwd=elsewhere,
        )
    if process.returncode:
        raise SystemExit(f"The SavedModel cannot be loaded:\n{process.stderr}")
    return json.loads(process.stdout.splitlines()[-1])


if __name__ == "__main__":
    # `python apps/demo/run.py` puts this folder on sys.path, not the root.
    sys.path.insert(0, str(ROOT))
    main()
