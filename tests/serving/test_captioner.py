"""The endpoint with the shipped captioner."""

import base64
import io
import pathlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from tests.serving.conftest import RunningEndpoint

ROOT = pathlib.Path(__file__).parents[2]
SERVING = ROOT / "saved_models" / "emoji_scenes_captioner" / "serving"


@pytest.fixture(scope="module")
def captioner():
    with RunningEndpoint({"captioner": SERVING}) as running:
        yield running


@pytest.fixture(scope="module")
def images():
    scene = PIL.Image.open(ROOT / "docs" / "scene.png").convert("RGB")
    files = []
    for kind in ("PNG", "JPEG"):
        file = io.BytesIO()
        scene.save(file, kind)
        files.append(file.getvalue())
    return [*files, files[1][: len(files[1]) // 2]]


@pytest.fixture(scope="module")
def expected(images):
    model = tf.saved_model.load(str(SERVING / "1"))
    served = model.signatures["serving_default"](image_bytes=tf.constant(images))
    return {name: value.numpy() for name, value in served.items()}


def test_rest_equals_the_saved_model(captioner, images, expected):
    rows = [{"b64": base64.b64encode(image).decode()} for image in images]
    answer = captioner.predict({"instances": rows}, "captioner")
    found = answer.json()["predictions"]
    captions = [row["caption"].encode() for row in found]
    assert captions == expected["caption"].tolist()
    scores = [row["score"] for row in found]
    np.testing.assert_allclose(scores, expected["score"], rtol=1e-5)


def test_a_truncated_image_fails_alone(captioner, images, expected):
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "captioner"
    message.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(images))
    outputs = captioner.predictions.Predict(message).outputs
    errors = tf.make_ndarray(outputs["error"]).tolist()
    assert errors[:2] == [b"", b""] and b"corrupt" in errors[2]
    captions = tf.make_ndarray(outputs["caption"]).tolist()
    assert captions == expected["caption"].tolist()
    assert captions[0] and captions[2] == b""
