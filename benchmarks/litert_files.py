"""Whether LiteRT files say what the presets say, how large they are, and how fast.

    python benchmarks/litert_files.py --pictures 500
    python benchmarks/litert_files.py --write      # also writes saved_models/*/litert/

Each preset is exported in every precision and asked about the pictures (for questions,
the first one of each) of its test split, beside the preset itself: `same` is the share
of equal strings, `right` that of captions that are true of their scene, or of right
answers, whatever the words. Latencies are milliseconds for one picture on one thread,
of the file and of the shipped SavedModel in turns, medians.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import tensorflow as tf

import mmkeras
from mmkeras.datasets import Scene, judge_caption
from mmkeras.export.precisions import PRECISIONS
from mmkeras.runtime import LiteRTCaptioner, LiteRTVisualQA

ROOT = pathlib.Path(__file__).parents[1] / "saved_models"
PRESETS = {
    "emoji_scenes_captioner": (mmkeras.models.ImageCaptioner, "emoji_scenes/small"),
    "emoji_scenes_captioner_zh": (
        mmkeras.models.ImageCaptioner,
        "emoji_scenes/small_zh",
    ),
    "emoji_scenes_vqa": (mmkeras.models.VisualQA, "emoji_scenes/small"),
    "easy_vqa": (mmkeras.models.VisualQA, "easy_vqa"),
}
# Pictures by which the ranges of the integer encoder are set, none of the test split.
CALIBRATION = 100


def main() -> None:
    args = _arguments()
    # Before anything runs: the threads of TensorFlow are counted once.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(
        f"{'preset':28}{'precision':18}{'same':>8}{'right':>8}{'MB':>7}{'ratio':>7}{'ms':>8}"
    )
    for name in args.presets:
        _measure(name, args)
    if args.start:
        _start(args)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--write", action="store_true", help="dynamic_int8, shipped")
    parser.add_argument("--start", action="store_true", help="also time a cold start")
    return parser.parse_args()


def _measure(name, args) -> None:
    kind, data = PRESETS[name]
    task = kind.from_preset(ROOT / name, compile=False)
    asks = kind is mmkeras.models.VisualQA
    rows = _rows(data, "test", args.pictures, asks)
    pictures = [picture for picture, _ in rows]
    questions = [question for _, question in rows]
    right = _right(data, len(rows), asks)
    wanted = task.answer(pictures, questions) if asks else task.generate(pictures)
    calibration = _rows(data, "train", CALIBRATION, asks)
    served = _served(ROOT / name, asks)
    size = None
    with tempfile.TemporaryDirectory() as folder:
        for precision in args.precisions:
            path = pathlib.Path(folder) / f"{precision}.tflite"
            report = task.export(
                path,
                format="litert",
                precision=precision,
                samples=calibration if asks else [p for p, _ in calibration],
            )
            ask = _asked(path, asks)
            found = [ask(*row) for row in rows]
            same = sum(a == b for a, b in zip(found, wanted, strict=True)) / len(rows)
            true = sum(map(right, found, range(len(rows)))) / len(rows)
            size = size or report["bytes"]
            ours, theirs = _latencies(ask, served, rows[:50])
            print(
                f"{name:28}{precision:18}{same:8.1%}{true:8.1%}"
                f"{report['bytes'] / 1e6:7.2f}"
                f"{report['bytes'] / size:7.3f}{ours:8.2f}"
                f"   SavedModel on one thread {theirs:.2f} ms",
                flush=True,
            )
    if args.write:
        _write(task, name)


def _rows(data, split, number, asks) -> list[tuple[bytes, str | None]]:
    found = []
    for sample in mmkeras.data.load(data, split=split).take(number):
        question = sample["question"].numpy()[0].decode() if asks else None
        found.append((sample["image"].numpy(), question))
    return found


def _right(data, number, asks):
    """Whether a text is right about the picture of a number."""
    samples = list(mmkeras.data.load(data, split="test").take(number))
    if asks:
        answers = [sample["answer"].numpy()[0].decode() for sample in samples]
        return lambda text, place: text == answers[place]
    scenes = [Scene.from_json(sample["scene"].numpy()) for sample in samples]
    language = "zh" if "zh" in data else "en"
    return lambda text, place: judge_caption(text, scenes[place], language)


def _asked(path, asks):
    if asks:
        vqa = LiteRTVisualQA(path)
        return lambda picture, question: vqa.answer(picture, question)
    captioner = LiteRTCaptioner(path)
    return lambda picture, _: captioner.caption(picture)


def _served(folder, asks):
    model = tf.saved_model.load(str(folder / "serving" / "1"))
    signature = model.signatures["serving_default"]

    def ask(picture, question):
        inputs = {"image_bytes": tf.constant([picture])}
        if asks:
            inputs["question"] = tf.constant([question])
        return signature(**inputs)

    # The signature does not hold what it is of.
    ask.model = model
    return ask


def _latencies(ours, theirs, rows) -> tuple[float, float]:
    times = ([], [])
    for row in rows:
        for ask, found in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            ask(*row)
            found.append(1000 * (time.perf_counter() - start))
    # The first calls set things up.
    return tuple(statistics.median(found[5:]) for found in times)


def _write(task, name) -> None:
    card = (ROOT / name / "README.md").read_text("utf-8")
    # The last paragraph of a model card is about the licence.
    licence = "Weights:" + card.rpartition("Weights:")[2]
    path = ROOT / name / "litert" / "dynamic_int8.tflite"
    task.export(
        path, format="litert", precision="dynamic_int8", overwrite=True, license=licence
    )


def _start(args) -> None:
    """From the start of a process to a caption, where there is no TensorFlow."""
    with tempfile.TemporaryDirectory() as folder:
        python = pathlib.Path(folder) / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        packages = ["ai-edge-litert", "lazy-loader", "numpy", "pillow"]
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        installed = sum(
            path.stat().st_size
            for path in pathlib.Path(folder).rglob("site-packages/**/*")
            if path.is_file()
        )
        call = [python, "-m", "mmkeras", "caption"]
        call += [ROOT / "emoji_scenes_captioner" / "litert" / "dynamic_int8.tflite"]
        call += [ROOT.parent / "docs" / "scene.png"]
        times = []
        for _ in range(6):
            start = time.perf_counter()
            subprocess.run(call, cwd=ROOT.parent, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        print(
            f"without TensorFlow: {installed / 1e6:.0f} MB installed (pip among them), "
            f"first caption {times[0]:.2f} s after the start of the process, later "
            f"{statistics.median(times[1:]):.2f} s"
        )


if __name__ == "__main__":
    main()
