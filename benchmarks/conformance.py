"""Write docs/conformance.md, a table of models and of what works for them.

    python benchmarks/conformance.py                  # all rows, about an hour
    python benchmarks/conformance.py --rows NAME ...  # only these rows
    python benchmarks/conformance.py --page           # only the page

A row is a shipped preset, or a small model of a task, an image encoder, a text encoder
and a fusion block, trained for a few epochs on 128 scenes of emoji_scenes/small at 32
or 64 px. It is evaluated on 50 other samples. A cell is the share of samples for which
the output equals that of the Keras model, or the reason why it cannot be measured. Each
row runs in a separate process; the results are stored in docs/conformance.json.
"""

from __future__ import annotations

import argparse
import functools
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

from mmkeras.export.precisions import PRECISIONS

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "conformance.json"
PAGE = ROOT / "docs" / "conformance.md"
TRAINING, ASKED, CALIBRATION = 128, 50, 50
EPOCHS = 6
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


def rows() -> dict[str, dict]:
    """How each row is made, by its name."""
    from mmkeras.layers import fusion

    found = {
        f"preset {name}": {"preset": name, "kind": kind, "data": data}
        for name, kind, data in (
            ("emoji_scenes_captioner", "ImageCaptioner", "emoji_scenes/small"),
            ("emoji_scenes_captioner_zh", "ImageCaptioner", "emoji_scenes/small_zh"),
            ("emoji_scenes_vqa", "VisualQA", "emoji_scenes/small"),
            ("easy_vqa", "VisualQA", "easy_vqa"),
        )
    }
    small = {"data": "emoji_scenes/small", "settings": {"image_size": 32}}
    for encoder, size in (
        ("small_cnn", 32),
        ("efficientnet_lite0", 64),
        ("MobileNetV2", 64),
    ):
        found[f"captioner, {encoder}"] = {
            **small,
            "kind": "ImageCaptioner",
            "image_encoder": encoder,
            "settings": {"image_size": size, "num_layers": 1},
        }
    found["captioner, small_cnn, 4 beams"] = {
        **small,
        "kind": "ImageCaptioner",
        "image_encoder": "small_cnn",
        "settings": {"image_size": 32, "num_layers": 1},
        "options": {"num_beams": 4},
    }
    for text in ("gru", "lstm", "transformer", "minilm"):
        found[f"VQA, small_cnn, {text}, gated"] = {
            **small,
            "kind": "VisualQA",
            "image_encoder": "small_cnn",
            "more": {"text_encoder": text, "fusion": "gated"},
        }
    for block in fusion.names():
        if block != "gated":
            found[f"VQA, small_cnn, gru, {block}"] = {
                **small,
                "kind": "VisualQA",
                "image_encoder": "small_cnn",
                "more": {"text_encoder": "gru", "fusion": block},
            }
    found["generative VQA, small_cnn, gru, gated"] = {
        **small,
        "kind": "GenerativeVisualQA",
        "image_encoder": "small_cnn",
        "more": {"text_encoder": "gru", "fusion": "gated"},
    }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=rows(), metavar="NAME")
    parser.add_argument(
        "--page", action="store_true", help="write the page of the figures there are"
    )
    parser.add_argument("--one", choices=rows(), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(Row(rows()[args.one]).cells()))
        return
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    for name in [] if args.page else args.rows or rows():
        print(name, flush=True)
        done = subprocess.run(
            [sys.executable, __file__, "--one", name],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            results[name] = {"fit": f"no: crashed ({done.returncode}) {last[:160]}"}
        else:
            results[name] = json.loads(done.stdout.splitlines()[-1])
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(results), "utf-8")
    print(f"Wrote {PAGE}")


class Row:
    """A model, and what becomes of it.

    Args:
        plan: dict, of `rows`.
    """

    def __init__(self, plan):
        import mmkeras

        self.plan = plan
        self.kind = getattr(mmkeras.models, plan["kind"])
        self.asks = plan["kind"] != "ImageCaptioner"
        self.options = plan.get("options", {})
        self.train = mmkeras.data.load(plan["data"], split="train").take(TRAINING)
        split = mmkeras.data.load(plan["data"], split="test").take(ASKED)
        self.pictures, self.questions = [], []
        for sample in split:
            self.pictures.append(sample["image"].numpy())
            if self.asks:
                self.questions.append(sample["question"].numpy()[0].decode())

    def cells(self) -> dict[str, str]:
        """What stands in each column."""
        found = {}
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            try:
                found["fit"] = self.fit()
            except Exception as error:
                return {"fit": reason(error)}
            self.task.save_to_preset(self.folder / "preset")
            self.said = self.ask(self.task)
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
                    found[name] = check()
                except Exception as error:
                    found[name] = reason(error)
        return found

    def make(self):
        plan, settings = self.plan, self.plan.get("settings", {})
        size = settings.get("image_size", 32)
        more = dict(plan.get("more", {}))
        if self.asks:
            more["num_encoder_layers"] = 1
        return self.kind.from_data(
            self.train,
            image_encoder=image_encoder(plan["image_encoder"], size),
            hidden_dim=64,
            seed=0,
            **settings,
            **more,
        )

    def fit(self) -> str:
        if "preset" in self.plan:
            path = ROOT / "saved_models" / self.plan["preset"]
            self.task = self.kind.from_preset(path)
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
        if "preset" in self.plan:
            return "–"
        import tensorflow as tf

        strategy = tf.distribute.MirroredStrategy(
            ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
        )
        with strategy.scope():
            task = self.make()
        return self.trained(task, 2)

    def ask(self, task) -> list[str]:
        if self.kind.__name__ == "VisualQA":
            return task.answer(self.pictures, self.questions)
        if self.asks:
            return task.answer(self.pictures, self.questions, **self.options)
        return task.generate(self.pictures, **self.options)

    def same(self, found) -> str:
        pairs = zip(found, self.said, strict=True)
        return f"{sum(a == b for a, b in pairs) / len(self.said):.0%}"

    def saved_and_loaded(self) -> str:
        return self.same(self.ask(self.fresh()))

    def fresh(self):
        return self.kind.from_preset(self.folder / "preset")

    def saved_model(self) -> str:
        import tensorflow as tf

        path = self.folder / "serving" / "1"
        self.task.export(path, **self.options)
        found, milliseconds = self.served(tf.saved_model.load(str(path)))
        return f"{self.same(found)}, {megabytes(path)}, {milliseconds:.1f} ms"

    def served(self, model) -> tuple[list[str], float]:
        import tensorflow as tf

        signature = model.signatures["serving_default"]
        found, times = [], []
        for place, picture in enumerate(self.pictures):
            inputs = {"image_bytes": tf.constant([picture])}
            if self.asks:
                inputs["question"] = tf.constant([self.questions[place]])
            start = time.perf_counter()
            output = signature(**inputs)
            text = output["answer" if self.asks else "caption"].numpy()[0]
            times.append(1000 * (time.perf_counter() - start))
            found.append(text.decode("utf-8"))
        return found, statistics.median(times[5:])

    def v1_session(self) -> str:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401

        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            path = str(self.folder / "serving" / "1")
            meta = v1.saved_model.load(session, ["serve"], path)
            signature = meta.signature_def["serving_default"]
            feed = {signature.inputs["image_bytes"].name: self.pictures}
            if self.asks:
                feed[signature.inputs["question"].name] = self.questions
            name = "answer" if self.asks else "caption"
            texts = session.run(signature.outputs[name].name, feed)
        return self.same([text.decode("utf-8") for text in texts])

    def xla(self) -> str:
        if not self.asks:
            found = self.task.generate(self.pictures, jit_compile=True, **self.options)
            return self.same(found)
        import numpy as np
        import tensorflow as tf

        batch = next(iter(self.train.ragged_batch(8)))
        inputs = self.task.preprocessor(batch)[0]
        backbone = self.task.backbone
        plain, compiled = (
            tf.function(lambda: backbone(inputs), autograph=False, jit_compile=jit)()
            for jit in (False, True)
        )
        off = np.abs(np.asarray(plain) - np.asarray(compiled)).max()
        if off > 1e-3:
            raise ValueError(f"the outputs are {off:.1e} off")
        return f"outputs within {off:.0e}"

    def litert(self, precision) -> str:
        from mmkeras.runtime import LiteRTCaptioner, LiteRTVisualQA

        path = self.folder / f"{precision}.tflite"
        samples = []
        for sample in self.train.take(CALIBRATION):
            samples.append({key: sample[key].numpy() for key in sample})
        report = self.task.export(
            path,
            format="litert",
            precision=precision,
            samples=samples,
            min_identical=0.0,
            **self.options,
        )
        runner = (LiteRTVisualQA if self.asks else LiteRTCaptioner)(path)
        found, times = [], []
        for place, picture in enumerate(self.pictures):
            start = time.perf_counter()
            if self.asks:
                found.append(runner.answer(picture, self.questions[place]))
            else:
                found.append(runner.caption(picture))
            times.append(1000 * (time.perf_counter() - start))
        size = f"{report['bytes'] / 1e6:.1f} MB"
        return f"{self.same(found)}, {size}, {statistics.median(times[5:]):.1f} ms"

    def lora(self) -> str:
        import tensorflow as tf

        task = self.fresh()
        task.enable_lora(2)
        task.compile()
        task.fit(self.train, epochs=1, batch_size=16, verbose=0)
        self.said, before = self.ask(task), self.said
        try:
            path = self.folder / "lora" / "1"
            task.export(path, **self.options)
            return self.same(self.served(tf.saved_model.load(str(path)))[0])
        finally:
            self.said = before

    def quantised(self) -> str:
        import tensorflow as tf

        task = self.fresh()
        task.backbone.quantize("int8")
        task._forget_graphs()
        said = self.ask(task)
        path = self.folder / "quantised" / "1"
        task.export(path, **self.options)
        self.said, before = said, self.said
        try:
            exported = self.same(self.served(tf.saved_model.load(str(path)))[0])
        finally:
            self.said = before
        return f"{exported}, {megabytes(path)}; {self.same(said)} as in float32"


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
    """Tables with a model a line."""
    lines = [
        "# Conformance of models",
        "",
        "Written by `python benchmarks/conformance.py`, which explains the cells.",
        f"Each row is a model trained on {TRAINING} scenes for {EPOCHS} epochs, or a",
        f"shipped preset, evaluated on {ASKED} other samples. Percentages are the",
        "share of equal strings, followed by the size on disk and the median latency",
        "for one image (LiteRT on one thread, SavedModel on all), measured in sequence",
        "on a shared machine. `no:` is followed by the reason. The margins between the",
        "scores of a model that is trained for seconds are smaller than those of a",
        "shipped preset, so that quantization changes its outputs more often.",
    ]
    for title, columns in TABLES.items():
        lines += ["", f"## {title}", "", f"| model | {' | '.join(columns)} |"]
        lines += [f"| --- |{' --- |' * len(columns)}"]
        for name in rows():
            if name in results:
                cells = [results[name].get(column, "") for column in columns]
                lines.append(f"| {name} | {' | '.join(cells)} |")
    missing = [name for name in rows() if name not in results]
    if missing:
        lines += ["", f"Not run yet: {'; '.join(missing)}."]
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    date = time.strftime("%Y-%m-%d")
    lines += ["", f"Last written on {date}, two cores, {machine}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
