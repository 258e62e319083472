import asyncio
import pathlib
import shutil
import threading
import time

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from mmkeras.serving import Endpoint, ServingOptions

POLL = 0.1


class Tiny(tf.Module):
    """The signatures of a captioner and of a VQA model, without their size.

    An image is valid if it begins with "ok"; its caption is "VERSION:IMAGE".
    """

    def __init__(self, version: str):
        self.version = tf.Variable(version)

    def _answer(self, text, fine):
        return {
            "caption": tf.where(fine, text, ""),
            "score": tf.where(fine, 0.2, 0.0),
            "error": tf.where(fine, "", "unknown image format"),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def caption(self, image_bytes):
        fine = tf.strings.regex_full_match(image_bytes, "ok.*")
        return self._answer(
            tf.strings.join([self.version, image_bytes], separator=":"), fine
        )

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "image_bytes"),
            tf.TensorSpec([None], tf.string, "question"),
        ]
    )
    def answer(self, image_bytes, question):
        fine = tf.strings.regex_full_match(image_bytes, "ok.*")
        return self._answer(
            tf.strings.join([image_bytes, question], separator=" "), fine
        )

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "pixels")])
    def sums(self, pixels):
        return {"sum": tf.reduce_sum(pixels, 1)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, "first"),
            tf.TensorSpec([None, 2], tf.float32, "second"),
        ]
    )
    def two(self, first, second):
        return {"sum": first + second}

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32, "number")])
    def scalar(self, number):
        return {"double": 2 * number}

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "text")])
    def echo(self, text):
        return {"text": tf.identity(text)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "turns")])
    def slow(self, turns):
        count = tf.while_loop(
            lambda turn: turn < tf.reduce_max(turns), lambda turn: (turn + 1,), [0]
        )
        return {"turns": turns + 0 * count[0]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "number")])
    def positive(self, number):
        tf.debugging.assert_positive(number, "not positive")
        return {"number": tf.identity(number)}


# Iterations of the signature `slow` that take about a second.
A_WHILE = 300_000


def save_tiny(path: pathlib.Path, version: str) -> None:
    model = Tiny(version)
    signatures = {
        "serving_default": model.caption,
        "answer": model.answer,
        "sums": model.sums,
        "two": model.two,
        "scalar": model.scalar,
        "echo": model.echo,
        "slow": model.slow,
        "positive": model.positive,
    }
    tf.saved_model.save(model, str(path), signatures=signatures)


@pytest.fixture(scope="session")
def tiny_versions(tmp_path_factory) -> pathlib.Path:
    """Versions `1` and `2` of the tiny model, to be copied."""
    folder = tmp_path_factory.mktemp("tiny")
    for version in ("1", "2"):
        save_tiny(folder / version, f"v{version}")
    return folder


@pytest.fixture
def tiny_folder(tiny_versions, tmp_path) -> pathlib.Path:
    """A folder with version 1 that a test can change."""
    shutil.copytree(tiny_versions / "1", tmp_path / "tiny" / "1")
    return tmp_path / "tiny"


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class RunningEndpoint:
    """An endpoint in a thread, with clients."""

    def __init__(self, models, labels=None, **options):
        options = ServingOptions(**{"poll_seconds": POLL, **options})
        self._endpoint = Endpoint(
            models, options, rest_port=0, grpc_port=0, labels=labels
        )
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self._endpoint.run(self._stop, self._ready.set)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(60)
        self.rest_address = self._endpoint.rest_address
        assert self.rest_address, "the endpoint did not start"
        self.rest = httpx.Client(
            base_url=f"http://{self._endpoint.rest_address}", timeout=60
        )
        self.grpc_address = self._endpoint.grpc_address
        self.channel = grpc.insecure_channel(self.grpc_address)
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(
            self.channel
        )
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        return self

    def __exit__(self, *exception):
        self.rest.close()
        self.channel.close()
        self.stop()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)

    def predict(self, document, model="tiny", which=""):
        return self.rest.post(f"/v1/models/{model}{which}:predict", json=document)

    def metric(self, name: str) -> float:
        """The sum of a metric over the labels that are not part of `name`."""
        text = self.rest.get("/monitoring/prometheus/metrics").text
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.fixture(scope="session")
def endpoint(tiny_versions, tmp_path_factory):
    """One endpoint for all tests that do not change it."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(tiny_versions / "1", folder / "1")
    with RunningEndpoint({"tiny": folder}, max_body_bytes=100_000) as running:
        yield running
