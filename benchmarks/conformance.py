"""Write docs/conformance.md: which model passes which check, cell by cell.

    python benchmarks/conformance.py                  # every row, about an hour
    python benchmarks/conformance.py --rows NAME ...  # only these rows
    python benchmarks/conformance.py --page           # no row, only the page

A row is a shipped preset, or a small model of a registered task, an image encoder, a
text encoder and a fusion block, trained for a few epochs on 128 scenes of
emoji_scenes/small at 32 or 64 px. It then predicts for 50 other samples. A cell is the
share of them for which the output equals that of the model itself, or the reason why
there is none. Each row runs in its own process; the figures are kept in
docs/conformance.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import inspect
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from mmkeras.export.precisions import PRECISIONS
from mmkeras.models import TaskSpec, task_specs

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "conformance.json"
PAGE = ROOT / "docs" / "conformance.md"
TRAINING, PREDICTED, CALIBRATION = 128, 50, 50
EPOCHS = 6
# The first calls set things up and are not timed.
WARM_UP = 5
SCENES = "emoji_scenes/small"
PRESETS = {
    "emoji_scenes_captioner": SCENES,
    "emoji_scenes_captioner_zh": "emoji_scenes/small_zh",
    "emoji_scenes_vqa": SCENES,
    "easy_vqa": "easy_vqa",
}
TABLES = {
    "Training": ("fit", "MirroredStrategy", "save, load"),
    "Servers": (
        "SavedModel",
        "v1 session",
        "XLA",
        "LoRA, export",
        "quantised, export",
    ),
    "Phones": tuple(f"LiteRT {precision}" for precision in PRECISIONS),
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """How the model of a row is made.

    Args:
        data: string, the dataset.
        preset: string, the name of a shipped preset, or `None`.
        task: string, the name of a registered task, without a preset.
        settings: dict of arguments of `from_data` of the task.
        options: dict of options of the task's verb and of its exports.
    """

    data: str = SCENES
    preset: str | None = None
    task: str | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


def plans() -> dict[str, Plan]:
    """Return the plan of each row, by its name."""
    from mmkeras.layers import fusion

    rows = {f"preset {name}": Plan(data, name) for name, data in PRESETS.items()}

    def add(name, task, options=None, **settings):
        settings = {"hidden_dim": 64, "num_layers": 1, "image_size": 32, **settings}
        rows[name] = Plan(task=task, settings=settings, options=options or {})

    add("captioner, small_cnn", "captioner")
    for encoder in ("efficientnet_lite0", "MobileNetV2"):
        add(f"captioner, {encoder}", "captioner", image_encoder=encoder, image_size=64)
    add("captioner, small_cnn, 4 beams", "captioner", {"num_beams": 4})
    for text in ("gru", "lstm", "transformer", "minilm"):
        add(f"VQA, small_cnn, {text}, gated", "vqa", text_encoder=text, fusion="gated")
    for block in fusion.names():
        if block != "gated":
            add(f"VQA, small_cnn, gru, {block}", "vqa", fusion=block)
    add("generative VQA, small_cnn, gru, gated", "generative-vqa", fusion="gated")
    planned = {plan.task for plan in rows.values()}
    for spec in task_specs().values():
        if spec.name not in planned:
            rows[spec.name] = Plan(task=spec.name, settings=dict(spec.tiny))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=plans(), metavar="NAME")
    parser.add_argument(
        "--page", action="store_true", help="write the page from the kept figures"
    )
    parser.add_argument("--one", choices=plans(), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(Row(plans()[args.one]).cells()))
        return
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    for name in [] if args.page else args.rows or plans():
        print(name, flush=True)
        process = subprocess.run(
            [sys.executable, __file__, "--one", name],
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            last = (process.stderr.strip().splitlines() or [""])[-1]
            results[name] = {"fit": f"no: crashed ({process.returncode}) {last[:160]}"}
        else:
            results[name] = json.loads(process.stdout.splitlines()[-1])
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(results), "utf-8")
    print(f"Wrote {PAGE}")


class Row:
    """A model and the checks that it goes through.

    Args:
        plan: a `Plan`.
    """

    def __init__(self, plan: Plan):
        import mmkeras

        self.plan, self.options = plan, plan.options
        if plan.preset is None:
            self.spec: TaskSpec = task_specs()[plan.task]
        else:
            self.task = mmkeras.models.Task.from_preset(
                ROOT / "saved_models" / plan.preset
            )
            self.spec = self.task.spec
        self.train = mmkeras.data.load(plan.data, split="train").take(TRAINING)
        test = mmkeras.data.load(plan.data, split="test").take(PREDICTED)
        self.samples = [self._inputs(sample) for sample in test]

    def _inputs(self, sample) -> dict[str, Any]:
        """The inputs of the task; of several texts the first one."""
        values = {key: sample[key].numpy() for key in self.spec.inputs}
        return {
            key: value if isinstance(value, bytes) else value[0].decode("utf-8")
            for key, value in values.items()
        }

    def cells(self) -> dict[str, str]:
        """Return the text of each column."""
        cells = {}
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            try:
                cells["fit"] = self.fit()
            except Exception as error:
                return {"fit": reason(error)}
            self.task.save_to_preset(self.folder / "preset")
            self.expected = self.predict(self.task)
            checks = {
                "MirroredStrategy": self.mirrored,
                "save, load": self.saved_and_loaded,
                "SavedModel": self.saved_model,
                "v1 session": self.v1_session,
                "XLA": self.xla,
                **{
                    f"LiteRT {precision}": functools.partial(self.litert, precision)
                    for precision in PRECISIONS
                },
                "LoRA, export": self.lora,
                "quantised, export": self.quantised,
            }
            for name, check in checks.items():
                try:
                    cells[name] = check()
                except Exception as error:
                    cells[name] = reason(error)
        return cells

    def make(self):
        settings = dict(self.plan.settings)
        if "image_encoder" in settings:
            settings["image_encoder"] = image_encoder(
                settings["image_encoder"], settings["image_size"]
            )
        return self.spec.load_task().from_data(self.train, seed=0, **settings)

    def fit(self) -> str:
        if self.plan.preset is not None:
            return "as shipped"
        self.task = self.make()
        return self.trained(self.task)

    def trained(self, task, epochs=EPOCHS) -> str:
        history = task.fit(self.train, epochs=epochs, batch_size=16, verbose=0).history
        first, last = history["loss"][0], history["loss"][-1]
        if not last < first:
            raise ValueError(f"the loss went from {first:.2f} to {last:.2f}")
        return f"loss {first:.2f} → {last:.2f}"

    def mirrored(self) -> str:
        if self.plan.preset is not None:
            return "–"
        import tensorflow as tf

        strategy = tf.distribute.MirroredStrategy(
            ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
        )
        with strategy.scope():
            task = self.make()
        return self.trained(task, 2)

    def predict(self, task, **options) -> list[str]:
        return task.predict_samples(self.samples, **self.options, **options)

    def equal(self, outputs, expected=None) -> str:
        expected = self.expected if expected is None else expected
        pairs = zip(outputs, expected, strict=True)
        return f"{sum(a == b for a, b in pairs) / len(expected):.0%}"

    def saved_and_loaded(self) -> str:
        return self.equal(self.predict(self.loaded()))

    def loaded(self):
        return self.spec.load_task().from_preset(self.folder / "preset")

    def saved_model(self) -> str:
        path = self.folder / "serving" / "1"
        self.task.export(path, **self.options)
        outputs, milliseconds = self.served(path)
        return f"{self.equal(outputs)}, {megabytes(path)}, {milliseconds:.1f} ms"

    def served(self, path) -> tuple[list[str], float]:
        """The outputs of a SavedModel and the median time of one in milliseconds."""
        import tensorflow as tf

        model = tf.saved_model.load(str(path))
        signature = model.signatures["serving_default"]
        outputs, times = [], []
        for sample in self.samples:
            inputs = {
                served_name(key): tf.constant([value]) for key, value in sample.items()
            }
            start = time.perf_counter()
            text = signature(**inputs)[self.spec.output].numpy()[0]
            times.append(1000 * (time.perf_counter() - start))
            outputs.append(text.decode("utf-8"))
        return outputs, statistics.median(times[WARM_UP:])

    def v1_session(self) -> str:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401

        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            path = str(self.folder / "serving" / "1")
            meta = v1.saved_model.load(session, ["serve"], path)
            signature = meta.signature_def["serving_default"]
            feed = {
                signature.inputs[served_name(key)].name: [s[key] for s in self.samples]
                for key in self.spec.inputs
            }
            texts = session.run(signature.outputs[self.spec.output].name, feed)
        return self.equal([text.decode("utf-8") for text in texts])

    def xla(self) -> str:
        verb = getattr(self.task, self.spec.verb)
        if "jit_compile" in inspect.signature(verb).parameters:
            return self.equal(self.predict(self.task, jit_compile=True))
        import numpy as np
        import tensorflow as tf

        batch = next(iter(self.train.ragged_batch(8)))
        inputs = self.task.preprocessor(batch)[0]
        backbone = self.task.backbone
        plain, compiled = (
            tf.function(lambda: backbone(inputs), autograph=False, jit_compile=jit)()
            for jit in (False, True)
        )
        difference = np.abs(np.asarray(plain) - np.asarray(compiled)).max()
        if difference > 1e-3:
            raise ValueError(f"the outputs differ by {difference:.1e}")
        return f"outputs within {difference:.0e}"

    def litert(self, precision) -> str:
        path = self.folder / f"{precision}.tflite"
        calibration = [
            {key: value.numpy() for key, value in sample.items()}
            for sample in self.train.take(CALIBRATION)
        ]
        report = self.task.export(
            path,
            format="litert",
            precision=precision,
            samples=calibration,
            min_identical=0.0,
            **self.options,
        )
        run = getattr(self.spec.load_runner()(path), self.spec.output)
        outputs, times = [], []
        for sample in self.samples:
            start = time.perf_counter()
            outputs.append(run(*sample.values()))
            times.append(1000 * (time.perf_counter() - start))
        size = f"{report['bytes'] / 1e6:.1f} MB"
        milliseconds = statistics.median(times[WARM_UP:])
        return f"{self.equal(outputs)}, {size}, {milliseconds:.1f} ms"

    def lora(self) -> str:
        task = self.loaded()
        task.enable_lora(2)
        task.compile()
        task.fit(self.train, epochs=1, batch_size=16, verbose=0)
        path = self.folder / "lora" / "1"
        task.export(path, **self.options)
        return self.equal(self.served(path)[0], self.predict(task))

    def quantised(self) -> str:
        task = self.loaded()
        task.backbone.quantize("int8")
        task._forget_graphs()
        outputs = self.predict(task)
        path = self.folder / "quantised" / "1"
        task.export(path, **self.options)
        exported = self.equal(self.served(path)[0], outputs)
        return f"{exported}, {megabytes(path)}; {self.equal(outputs)} as in float32"


def served_name(key: str) -> str:
    """Return the name of an input in a SavedModel."""
    return "image_bytes" if key == "image" else key


def image_encoder(name, size):
    if name != "MobileNetV2":
        return name
    import keras

    inputs = keras.Input((size, size, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    maps = keras.applications.MobileNetV2(
        (size, size, 3), alpha=0.35, include_top=False, weights=None
    )(scaled)
    return keras.Model(inputs, maps)


def megabytes(folder) -> str:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{size / 1e6:.1f} MB"


def reason(error) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"no: {type(error).__name__}: {lines[0][:160]}".replace("|", "/")


def page(results) -> str:
    """Return the page, tables with a row for each model."""
    lines = [
        "# Conformance of models",
        "",
        "Written by `python benchmarks/conformance.py`, which explains the cells.",
        f"Each row is a model trained on {TRAINING} scenes for {EPOCHS} epochs, or a",
        f"shipped preset, evaluated on {PREDICTED} other samples. Percentages are the",
        "share of equal strings, followed by the size on disk and the median latency",
        "for one image (LiteRT on one thread, SavedModel on all), measured in sequence",
        "on a shared machine. `no:` is followed by the reason. The margins between the",
        "scores of a model that is trained for seconds are smaller than those of a",
        "shipped preset, so that quantization changes its outputs more often.",
    ]
    for title, columns in TABLES.items():
        lines += ["", f"## {title}", "", f"| model | {' | '.join(columns)} |"]
        lines += [f"| --- |{' --- |' * len(columns)}"]
        for name in plans():
            if name in results:
                cells = [results[name].get(column, "") for column in columns]
                lines.append(f"| {name} | {' | '.join(cells)} |")
    missing = [name for name in plans() if name not in results]
    if missing:
        lines += ["", f"Not run yet: {'; '.join(missing)}."]
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    date = time.strftime("%Y-%m-%d")
    lines += ["", f"Last written on {date}, two cores, {machine}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
