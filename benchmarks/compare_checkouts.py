"""Seconds of training steps and of decoding in this checkout and in another one.

    git worktree add ../before COMMIT
    python benchmarks/compare_checkouts.py --before ../before

Both checkouts are measured in turns, in separate processes, so that a machine that gets
slower slows down both. Printed are medians and the ratio of this checkout to the other
one, pair by pair; below 1 this one is faster. Run it on a machine without other work.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BATCH, STEPS, CALLS = 32, 30, 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=pathlib.Path, help="folder of the other one")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure()))
        return
    pairs = []
    for number in range(args.pairs):
        pairs.append((run(ROOT), run(args.before)))
        print(f"pair {number + 1} of {args.pairs}", file=sys.stderr)
    print(f"{'':32}  this, ms  other, ms  ratio (min to max)")
    for name in pairs[0][0]:
        ours = statistics.median(one[name] for one, _ in pairs)
        theirs = statistics.median(other[name] for _, other in pairs)
        ratios = sorted(one[name] / other[name] for one, other in pairs)
        print(
            f"{name:32} {1e3 * ours:9.2f}  {1e3 * theirs:9.2f}  "
            f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


def run(checkout: pathlib.Path) -> dict[str, float]:
    settings = {"PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(pathlib.Path(__file__).resolve()), "--measure"]
    found = subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    if found.returncode:
        raise SystemExit(f"{checkout}: {found.stderr}")
    return json.loads(found.stdout.splitlines()[-1])


def measure() -> dict[str, float]:
    """Medians in seconds, by the part of the API that both checkouts have."""
    import keras
    import numpy as np
    import tensorflow as tf

    from mmkeras.models import ImageCaptioner, VisualQA

    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(500)]
    samples = [
        {
            "image": tf.io.encode_png(
                rng.integers(0, 255, (96, 96, 3), "uint8")
            ).numpy(),
            "captions": [" ".join(rng.choice(words, 18)) for _ in range(3)],
            "question": [" ".join(rng.choice(words, 8)) for _ in range(4)],
            "answer": list(rng.choice(words, 4)),
        }
        for _ in range(BATCH * 4)
    ]
    spec = {
        name: tf.TensorSpec([None] if isinstance(value, list) else [], tf.string)
        for name, value in samples[0].items()
    }
    dataset = tf.data.Dataset.from_generator(lambda: samples, output_signature=spec)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(samples)))
    found = {}
    kwargs = {"hidden_dim": 256, "seed": 0}
    captioner = ImageCaptioner.from_data(
        dataset, sequence_length=20, num_layers=4, **kwargs
    )
    vqa = VisualQA.from_data(dataset, sequence_length=24, **kwargs)
    for name, task in (("captioner", captioner), ("vqa", vqa)):
        task.fit(dataset, epochs=1, batch_size=BATCH, verbose=0)
        timer = _StepSeconds(keras)
        task.fit(
            dataset.repeat(-(-STEPS // 4)),
            epochs=1,
            batch_size=BATCH,
            verbose=0,
            feature_cache=None,
            callbacks=[timer.callback],
        )
        found[f"training step, {name}"] = statistics.median(timer.seconds[5:])
    for batch in (1, BATCH):
        images = tf.constant(rng.normal(size=(batch, 96, 96, 3)), tf.float32)
        for beams in (1, 4):
            for compiled in (False, True):
                decode = captioner.generator(
                    jit_compile=compiled, num_beams=beams, min_length=19
                )
                name = f"{'XLA' if compiled else 'graph'}, batch {batch}, beams {beams}"
                found[f"decoding, {name}"] = _median(decode, images)
    return found


def _image(rng) -> bytes:
    import tensorflow as tf

    return tf.io.encode_png(rng.integers(0, 255, (96, 96, 3), "uint8")).numpy()


class _StepSeconds:
    def __init__(self, keras):
        self.seconds = []
        owner = self

        class Timer(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                self.start = time.perf_counter()

            def on_train_batch_end(self, batch, logs=None):
                owner.seconds.append(time.perf_counter() - self.start)

        self.callback = Timer()


def _median(decode, images) -> float:
    seconds = []
    for _ in range(CALLS + 2):
        start = time.perf_counter()
        decode(images).token_ids.numpy()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[2:])


if __name__ == "__main__":
    main()
