import json
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.export import export_saved_model
from tests.export.plain_task import PlainTask, answer


@pytest.fixture(scope="module")
def exported(presets):
    return presets.saved_model("captioner")


def call(exported, signature, images):
    loaded = tf.saved_model.load(str(exported))
    return loaded.signatures[signature](image_bytes=tf.constant(images, tf.string))


def texts(tensor):
    return [text.decode() for text in np.ravel(tensor)]


def test_bad_rows_fail_alone(captioner, exported, images):
    jpeg = tf.io.encode_jpeg(tf.io.decode_png(images[3], 3)).numpy()
    batch = [*images[:2], b"", images[2], b"no image", jpeg, jpeg[:200], images[4]]
    found = call(exported, "serving_default", batch)
    good = [0, 1, 3, 5, 7]
    expected = captioner.generate([batch[i] for i in good])
    assert [texts(found["caption"])[i] for i in good] == expected
    errors = texts(found["error"])
    assert [i for i, error in enumerate(errors) if error] == [2, 4, 6]
    assert "empty" in errors[2]
    assert "unknown" in errors[4]
    assert "corrupt" in errors[6]
    assert all(texts(found["caption"])[i] == "" for i in (2, 4, 6))


def test_an_empty_batch(exported):
    found = call(exported, "serving_default", [])
    assert found["caption"].shape == (0,)


def test_n_best_and_token_ids(captioner, exported, images):
    found = call(exported, "n_best", images[:4])
    expected = captioner.generate(images[:4], num_beams=3, num_sequences=3)
    assert texts(found["captions"]) == [text for row in expected for text in row]
    assert np.all(np.diff(found["scores"]) <= 0)
    found = call(exported, "token_ids", images[:4])
    ids = found["token_ids"]
    np.testing.assert_allclose(
        np.sum(found["token_scores"], axis=1), found["score"], atol=1e-3
    )
    assert not np.any(np.asarray(found["token_scores"])[np.asarray(ids) == 0])
    detokenized = captioner.preprocessor.generate_postprocess(ids)
    assert texts(detokenized) == captioner.generate(images[:4])


FRESH = """
import json, sys
import tensorflow as tf
images = [open(path, "rb").read() for path in sys.argv[2:]]
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    graph = tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
    signature = graph.signature_def["serving_default"]
    found = session.run(
        signature.outputs["caption"].name,
        {signature.inputs["image_bytes"].name: images},
    )
assert "mmkeras" not in sys.modules and "tensorflow_text" not in sys.modules
print(json.dumps([text.decode() for text in found]))
"""


def test_it_loads_as_tf_serving_does_without_mmkeras(
    captioner, exported, images, tmp_path
):
    paths = []
    for index, image in enumerate(images[:4]):
        paths.append(tmp_path / f"{index}.png")
        paths[-1].write_bytes(image)
    ran = subprocess.run(
        [sys.executable, "-c", FRESH, str(exported), *map(str, paths)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    served = json.loads(ran.stdout.splitlines()[-1])
    assert served == captioner.generate(images[:4])


def test_weights_are_written_once(captioner, exported):
    written = tf.train.list_variables(str(exported / "variables" / "variables"))
    numbers = sum(int(np.prod(shape)) for _, shape in written)
    # All but the bias of word presence, which is for training only, and a few numbers
    # that TensorFlow keeps beside them.
    weights = captioner.backbone.count_params() - captioner.backbone.vocabulary_size
    assert weights <= numbers < 1.01 * weights


@pytest.mark.parametrize(
    "options",
    [
        {"num_beams": 4, "num_beam_groups": 2, "min_length": 4},
        {"top_k": 3, "seed": 5, "no_repeat_ngram_size": 2},
    ],
)
def test_signatures_with_decoding_options(options, captioner, images):
    signatures = captioner.signatures(num_sequences=3, **options)

    def found(name, output):
        function, inputs = signatures[name]
        traced = tf.function(function, input_signature=inputs, autograph=False)
        return texts(traced(tf.constant(images[:4]))[output])

    expected = captioner.generate(images[:4], num_sequences=3, **options)
    assert found("n_best", "captions") == [text for row in expected for text in row]
    expected = captioner.generate(images[:4], **options)
    assert found("serving_default", "caption") == expected


@pytest.mark.parametrize("number", [0, 1.5])
def test_a_wrong_number_of_captions(captioner, tmp_path, number):
    with pytest.raises(ValueError, match="`num_sequences` must be an integer"):
        captioner.export(tmp_path / "1", num_sequences=number)


def test_refusals(captioner, exported, tmp_path):
    with pytest.raises(FileExistsError, match="is not empty"):
        captioner.export(exported)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(FileExistsError, match="other files than a SavedModel"):
        captioner.export(tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").is_file()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "old" / "2").mkdir()
    with pytest.raises(FileExistsError, match="other files than a SavedModel.*: 2"):
        captioner.export(tmp_path / "old", overwrite=True)
    with pytest.raises(FileExistsError, match="is a file"):
        captioner.export(tmp_path / "mine" / "thesis.txt", overwrite=True)
    with pytest.raises(ValueError, match="`format` must be 'saved_model' or 'litert'"):
        captioner.export(tmp_path / "x", format="onnx")


@pytest.fixture
def version(tmp_path) -> pathlib.Path:
    """An exported version, with a file of its own."""
    path = tmp_path / "1"
    export_saved_model(PlainTask(1), path)
    (path / "assets.extra" / "old").write_text("of the old one")
    return path


def test_overwriting_leaves_nothing_of_the_old_one(version):
    assert answer(version) == "ab"
    export_saved_model(PlainTask(2), version, overwrite=True, more=1)
    assert not (version / "assets.extra" / "old").exists()
    assert answer(version) == "ababab"
    assert [item.name for item in version.parent.iterdir()] == ["1"]


def test_an_export_that_fails_leaves_the_old_one(version, monkeypatch):
    def full_disk(self, path, **kwargs):
        pathlib.Path(path).mkdir()
        raise OSError("no space left on device")

    monkeypatch.setattr(type(keras.export.ExportArchive()), "write_out", full_disk)
    with pytest.raises(OSError, match="no space left"):
        export_saved_model(PlainTask(2), version, overwrite=True)
    assert [item.name for item in version.parent.iterdir()] == ["1"]
    assert answer(version) == "ab"


def test_a_new_one_that_cannot_be_moved_leaves_the_old_one(version, monkeypatch):
    rename = pathlib.Path.rename

    def refuse(source, target):
        if source.name.endswith(".partial"):
            raise OSError("the disk is full")
        return rename(source, target)

    monkeypatch.setattr(pathlib.Path, "rename", refuse)
    with pytest.raises(OSError, match="the disk is full"):
        export_saved_model(PlainTask(2), version, overwrite=True)
    assert [item.name for item in version.parent.iterdir()] == ["1"]
    assert (version / "assets.extra" / "old").is_file()
    assert answer(version) == "ab"


def test_a_copy_can_be_served(version, tmp_path):
    shutil.copytree(version, tmp_path / "copy")
    shutil.rmtree(version)
    assert answer(tmp_path / "copy", "x") == "x"
