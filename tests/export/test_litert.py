import json
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import load
from mmkeras.export.convert_litert import convert_litert
from mmkeras.export.litert_model import METADATA, require_whole
from mmkeras.export.precisions import PRECISIONS
from mmkeras.export.static_form import StaticForm
from mmkeras.models import ImageCaptioner, VisualQA
from mmkeras.runtime import LiteRTCaptioner, LiteRTVisualQA

PRESETS = pathlib.Path(__file__).parents[2] / "saved_models"
IMAGE = PRESETS.parent / "docs" / "scene.png"


@pytest.fixture(scope="module")
def captioner():
    return ImageCaptioner.from_preset(PRESETS / "emoji_scenes_captioner")


@pytest.fixture(scope="module")
def vqa():
    return VisualQA.from_preset(PRESETS / "emoji_scenes_vqa")


@pytest.fixture(scope="module")
def files(captioner, tmp_path_factory):
    """A file of each precision, and the report of its export."""
    folder = tmp_path_factory.mktemp("litert")
    found = {}
    for precision in PRECISIONS:
        path = folder / f"{precision}.tflite"
        found[precision] = (
            path,
            captioner.export(
                path, format="litert", precision=precision, license="CC BY-SA 4.0"
            ),
        )
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_gives_the_output_of_the_model(precision, files, captioner):
    path, report = files[precision]
    assert report["samples"] == len(captioner.samples) == 16
    assert report["identical"] >= 15 / 16
    assert report["bytes"] == path.stat().st_size
    assert LiteRTCaptioner(path).caption(IMAGE) == captioner.generate(str(IMAGE))


def test_sizes_of_files(files):
    size = {name: report["bytes"] for name, (_, report) in files.items()}
    assert size["dynamic_int8"] <= 0.3 * size["float32"]
    assert size["float16"] <= 0.55 * size["float32"]
    for name in ("weight_only_int8", "mixed_int8"):
        assert size[name] <= 0.35 * size["float32"]


def test_description_for_hosts(files, captioner):
    path, _ = files["float16"]
    with zipfile.ZipFile(path) as archive:
        description = json.loads(archive.read("mmkeras.json"))
        vocabulary = archive.read("vocab.txt").decode("utf-8").splitlines()
        assert archive.read("LICENSE.txt") == b"CC BY-SA 4.0"
    assert vocabulary == captioner.preprocessor.tokenizer.get_vocabulary()
    assert description["task"] == "ImageCaptioner"
    assert description["precision"] == "float16"
    assert [description["image"][side] for side in ("height", "width")] == [96, 96]
    assert description["tokens"] == {"pad": 0, "unk": 1, "start": 2, "end": 3}
    caption = description["signatures"]["caption"]
    assert caption["inputs"]["image"] == {"dtype": "uint8", "shape": [1, 96, 96, 3]}
    # The model's own metadata has the same, for tools that read no zip archives.
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    [buffer] = [m.buffer for m in model.metadata if m.name.decode() == METADATA]
    assert json.loads(bytes(model.buffers[buffer].data)) == description


def test_beam_search(captioner, tmp_path):
    path = tmp_path / "beams.tflite"
    options = {"num_beams": 3, "num_sequences": 2, "min_length": 5}
    captioner.export(path, format="litert", **options)
    found = LiteRTCaptioner(path).caption(IMAGE)
    wanted = captioner.generate(str(IMAGE), **options)
    assert found == wanted and len(found) == 2
    np.testing.assert_allclose(
        [caption.score for caption in found],
        [caption.score for caption in wanted],
        atol=1e-3,
    )


def test_stepwise_file_streams(captioner, tmp_path):
    path = tmp_path / "steps.tflite"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        captioner.export(path, format="litert", stepwise=True)
    assert path.read_text() == "mine"
    # Three samples in place of those of the preset.
    data = load("emoji_scenes/small", split="test").take(3)
    report = captioner.export(
        path, format="litert", stepwise=True, samples=data, overwrite=True
    )
    assert report["samples"] == 3
    runner = LiteRTCaptioner(path)
    texts = list(runner.stream(IMAGE))
    assert texts[-1] == runner.caption(IMAGE) == captioner.generate(str(IMAGE))
    assert len(texts) > 2 and all(
        later.startswith(before)
        for before, later in zip(texts, texts[1:], strict=False)
    )
    assert runner.caption(IMAGE).score is None


def test_other_files_do_not_stream(files):
    with pytest.raises(ValueError, match="stepwise=True"):
        next(LiteRTCaptioner(files["float32"][0]).stream(IMAGE))


def test_answers(vqa, tmp_path):
    path = tmp_path / "vqa.tflite"
    question = "what colour is the background?"
    image = str(IMAGE)
    report = vqa.export(
        path,
        format="litert",
        precision="dynamic_int8",
        samples=[(image, question), {"image": image, "question": "is there a cat?"}],
        num_sequences=2,
    )
    assert report == {**report, "samples": 2, "identical": 1.0}
    runner = LiteRTVisualQA(path)
    found = runner.answer(IMAGE, question, num_sequences=2)
    wanted = vqa.answer(str(IMAGE), question, num_sequences=2)
    assert found == wanted and runner.answer(IMAGE, question) == wanted[0]
    np.testing.assert_allclose(
        [answer.score for answer in found],
        [answer.score for answer in wanted],
        atol=0.05,
    )
    ids = runner._file.run("lookup", words=np.array([b"colour", b"zebra fish"]))
    tokenizer = vqa.preprocessor.tokenizer
    assert ids["token_ids"].tolist() == [
        tokenizer.token_to_id("colour"),
        tokenizer.unk_token_id,
    ]
    with pytest.raises(ValueError, match="`num_sequences` .* at most 2"):
        runner.answer(IMAGE, question, num_sequences=3)


def test_failed_exports_leave_no_file(captioner, vqa, presets, tmp_path, monkeypatch):
    path = tmp_path / "new" / "a.tflite"

    def refused(match, task=captioner, **options):
        with pytest.raises(ValueError, match=match):
            task.export(path, format="litert", **options)
        assert not path.exists()
        assert not path.parent.exists() or not list(path.parent.iterdir())

    refused("no built-in operation for random numbers", temperature=0.7)
    refused("`precision` must be .float32.", precision="int4")
    refused("num_beams", stepwise=True, num_beams=2)
    refused("samples=dataset.take", samples=[])
    refused("has no .question.", task=vqa, samples=[str(IMAGE)])
    tiny, samples = presets.load("vqa"), [(str(IMAGE), "is there a star?")] * 2
    monkeypatch.setattr(tiny, "predict_samples", lambda samples: ["wrong", "wrong"])
    match = "for 0 of 2 samples; 75% .* Sample 0: .* instead of 'wrong'.*No file was w"
    refused(match, task=tiny, samples=samples, precision="dynamic_int8")


def test_missing_built_in_operations_are_named():
    def erfinv(inputs):
        return {"y": tf.math.erfinv(inputs["x"])}

    spec = {"x": tf.TensorSpec([4], tf.float32, name="x")}
    form = StaticForm({"f": (erfinv, spec)}, {}, lambda sample: {})
    with pytest.raises(ValueError, match="no built-in operations for .*Erfinv"):
        convert_litert(form)


def test_custom_operations_and_missing_weights_are_named():
    class Model(tf.Module):
        def __init__(self):
            self.count = tf.Variable([2.0], name="lost")

        @tf.function(input_signature=[tf.TensorSpec([1], tf.float32)])
        def custom(self, x):
            return tf.math.erfinv(x)

        @tf.function(input_signature=[tf.TensorSpec([1], tf.float32)])
        def counted(self, x):
            return x * self.count.assign_add(x)

    model = Model()

    def converted(function, **settings):
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [function.get_concrete_function()], model
        )
        for name, value in settings.items():
            setattr(converter, name, value)
        return converter.convert()

    with pytest.raises(ValueError, match="not built in: Erfinv"):
        require_whole(converted(model.custom, allow_custom_ops=True))
    with pytest.raises(ValueError, match="lacks weights: .*lost"):
        require_whole(
            converted(model.counted, experimental_enable_resource_variables=True)
        )


BLOCKED = """
import sys
for name in ("tensorflow", "keras", "keras_hub", "tf_keras"):
    sys.modules[name] = None
from mmkeras.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_runner_without_tensorflow(files, captioner):
    path, _ = files["dynamic_int8"]
    call = [sys.executable, "-c", BLOCKED, "caption", path, IMAGE]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == captioner.generate(str(IMAGE))


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory) -> pathlib.Path:
    """A Python environment with the requirements of the runner only."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    packages = ["ai-edge-litert", "lazy-loader", "numpy", "pillow"]
    install = [python, "-m", "pip", "install", "--quiet", *packages]
    subprocess.run(install, check=True)
    return python


@pytest.mark.slow
def test_runner_in_an_environment_without_tensorflow(bare_python, files, captioner):
    root = pathlib.Path(__file__).parents[2]
    path, _ = files["dynamic_int8"]
    call = [bare_python, "-m", "mmkeras", "caption", path, IMAGE]
    done = subprocess.run(call, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == captioner.generate(str(IMAGE))
    missing = subprocess.run([bare_python, "-c", "import tensorflow"], check=False)
    assert missing.returncode != 0
