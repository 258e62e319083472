"""Compare LiteRT files with their presets: outputs, size and speed.

    python benchmarks/litert_files.py --limit 500
    python benchmarks/litert_files.py --write      # also writes saved_models/*/litert/

Each preset is exported in every precision. File and preset predict for the images (and
the first question of each) of the test split: `same` is the share of equal strings,
`right` that of captions that are true of their scene, or of correct answers, whatever
the words. Latencies are medians in milliseconds for one image on one thread, of the
file and of the shipped SavedModel in turns.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import tensorflow as tf

import mmkeras
from mmkeras.datasets import Scene, judge_caption
from mmkeras.datasets.scene_language import language_of
from mmkeras.export.precisions import PRECISIONS

ROOT = pathlib.Path(__file__).parents[1] / "saved_models"
PRESETS = {
    "emoji_scenes_captioner": "emoji_scenes/small",
    "emoji_scenes_captioner_zh": "emoji_scenes/small_zh",
    "emoji_scenes_vqa": "emoji_scenes/small",
    "easy_vqa": "easy_vqa",
}
# Images of the training split that set the ranges of the integer encoder.
CALIBRATION = 100
# The first calls set things up and are not timed.
WARM_UP = 5


def main() -> None:
    args = _arguments()
    # Before any computation: TensorFlow starts its threads once.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    titles = ("preset", "precision", "same", "right", "MB", "ratio", "ms")
    print("{:28}{:18}{:>8}{:>8}{:>7}{:>7}{:>8}".format(*titles))
    for name in args.presets:
        _measure(name, args)
    if args.start:
        _start()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--limit", type=int, default=500, help="number of images")
    parser.add_argument(
        "--write", action="store_true", help="write the shipped dynamic_int8 files"
    )
    parser.add_argument("--start", action="store_true", help="also time a cold start")
    return parser.parse_args()


def _measure(name, args) -> None:
    task = mmkeras.models.Task.from_preset(ROOT / name)
    spec = task.spec
    test = list(mmkeras.data.load(PRESETS[name], split="test").take(args.limit))
    train = mmkeras.data.load(PRESETS[name], split="train").take(CALIBRATION)
    samples = [_inputs(spec, sample) for sample in test]
    calibration = [_inputs(spec, sample) for sample in train]
    expected = task.predict_samples(samples)
    served = _served(ROOT / name)
    first_size = None
    with tempfile.TemporaryDirectory() as folder:
        for precision in args.precisions:
            path = pathlib.Path(folder) / f"{precision}.tflite"
            report = task.export(
                path, format="litert", precision=precision, samples=calibration
            )
            run = _runner(spec, path)
            outputs = [run(sample) for sample in samples]
            pairs = zip(outputs, expected, strict=True)
            same = sum(a == b for a, b in pairs) / len(samples)
            pairs = zip(outputs, test, strict=True)
            right = sum(_is_right(spec, *pair) for pair in pairs) / len(samples)
            first_size = first_size or report["bytes"]
            ours, theirs = _latencies(run, served, samples[:50])
            print(
                f"{name:28}{precision:18}{same:8.1%}{right:8.1%}"
                f"{report['bytes'] / 1e6:7.2f}"
                f"{report['bytes'] / first_size:7.3f}{ours:8.2f}"
                f"   SavedModel on one thread {theirs:.2f} ms",
                flush=True,
            )
    if args.write:
        _write(task, name)


def _inputs(spec, sample) -> dict:
    """The inputs of the task; of several questions the first one."""
    return {
        key: sample[key].numpy()
        if key == "image"
        else sample[key].numpy()[0].decode("utf-8")
        for key in spec.inputs
    }


def _is_right(spec, output, sample) -> bool:
    """Whether an answer is that of the data, or a caption true of its scene."""
    if spec.output == "answer":
        return output == sample["answer"].numpy()[0].decode("utf-8")
    scene = Scene.from_json(sample["scene"].numpy())
    return judge_caption(output, scene, language_of(output))


def _runner(spec, path) -> Callable:
    run = getattr(spec.load_runner()(path), spec.output)
    return lambda sample: run(*sample.values())


def _served(folder) -> Callable:
    model = tf.saved_model.load(str(folder / "serving" / "1"))
    signature = model.signatures["serving_default"]
    names = {"image": "image_bytes"}

    def run(sample):
        inputs = {names.get(k, k): tf.constant([v]) for k, v in sample.items()}
        return signature(**inputs)

    # The signature does not keep its model alive.
    run.model = model
    return run


def _latencies(ours, theirs, samples) -> tuple[float, float]:
    times = ([], [])
    for sample in samples:
        for run, seconds in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            run(sample)
            seconds.append(1000 * (time.perf_counter() - start))
    return tuple(statistics.median(seconds[WARM_UP:]) for seconds in times)


def _write(task, name) -> None:
    card = (ROOT / name / "README.md").read_text("utf-8")
    # The last paragraph of a model card is about the licence.
    licence = "Weights:" + card.rpartition("Weights:")[2]
    path = ROOT / name / "litert" / "dynamic_int8.tflite"
    task.export(
        path, format="litert", precision="dynamic_int8", overwrite=True, license=licence
    )


def _start() -> None:
    """Time from the start of a process to a caption, without TensorFlow."""
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
