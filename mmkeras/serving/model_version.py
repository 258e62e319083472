from __future__ import annotations

import os
import pathlib

import grpc
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers its ops, which TF Serving has)
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_log_pb2,
)

from mmkeras.serving.served_signature import ServedSignature
from mmkeras.serving.serving_error import ServingError

# TF Serving refuses a SavedModel with more warm-up requests.
_MAX_WARMUP_REQUESTS = 1000
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class ModelVersion:
    """A SavedModel in memory, warmed up.

    It is loaded by TensorFlow only, so that any SavedModel can be served.

    Args:
        path: path of a SavedModel.

    Attributes:
        signatures: dict from name to `ServedSignature`.
        definitions: dict from name to `SignatureDef`, as in the SavedModel.

    Raises:
        ValueError: if the SavedModel cannot be read, has no signatures, or fails on its
            warm-up requests.
    """

    def __init__(self, path: str | os.PathLike):
        path = pathlib.Path(path)
        try:
            self.definitions = _read_definitions(path)
            self._model = tf.saved_model.load(str(path), tags=["serve"])
        except Exception as error:
            raise ValueError(f"{path} cannot be loaded: {_reason(error)}") from error
        self._functions = dict(self._model.signatures)
        self.signatures = {
            name: ServedSignature(name, definition)
            for name, definition in sorted(self.definitions.items())
            if name in self._functions
        }
        if not self.signatures:
            raise ValueError(f"{path} has no signatures, and cannot be served.")
        self._warm_up(path)

    def signature(self, name: str) -> ServedSignature:
        """Find a signature.

        Args:
            name: string, `""` for `serving_default`.

        Returns:
            A `ServedSignature`.

        Raises:
            ServingError: `INVALID_ARGUMENT` if the name is unknown.
        """
        name = name or "serving_default"
        if name not in self.signatures:
            raise ServingError.invalid(
                f'Serving signature name: "{name}" not found in signature def. '
                f"Available: {', '.join(self.signatures)}."
            )
        return self.signatures[name]

    def signature_map(self) -> get_model_metadata_pb2.SignatureDefMap:
        """Return the signatures as TF Serving's metadata has them."""
        message = get_model_metadata_pb2.SignatureDefMap()
        for name, definition in self.definitions.items():
            message.signature_def[name].CopyFrom(definition)
        return message

    def run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict:
        """Call a signature.

        Args:
            signature: string, name of the signature.
            inputs: dict of arrays, valid according to `ServedSignature.check`.

        Returns:
            Dict from the name of an output to an array.

        Raises:
            ServingError: with the code and message of TensorFlow's error.
        """
        specs = self.signatures[signature].inputs
        try:
            outputs = self._functions[signature](
                **{
                    name: tf.constant(value, specs[name].dtype)
                    for name, value in inputs.items()
                }
            )
            return {name: _array(value) for name, value in outputs.items()}
        except tf.errors.OpError as error:
            code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
            raise ServingError(code, _reason(error)) from error
        except Exception as error:
            message = f"{type(error).__name__}: {_reason(error)}"
            raise ServingError(grpc.StatusCode.INTERNAL, message) from error

    def _warm_up(self, path):
        for request in _read_warmup_requests(path):
            try:
                signature = self.signature(request.model_spec.signature_name)
                inputs = {
                    name: tf.make_ndarray(value)
                    for name, value in request.inputs.items()
                }
                signature.check(inputs)
                self.run(signature.name, inputs)
            except (ServingError, TypeError, ValueError) as error:
                reason = _reason(error)
                raise ValueError(
                    f"{path} fails on its warm-up requests: {reason}"
                ) from error


def _array(tensor) -> np.ndarray:
    value = tensor.numpy()
    # A scalar string is bytes.
    return np.array(value, object) if tensor.dtype == tf.string else value


def _read_definitions(path):
    file = path / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for graph in saved_model.meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            # Copied, since the originals keep the complete graph in memory.
            return {
                name: type(definition).FromString(definition.SerializeToString())
                for name, definition in graph.signature_def.items()
            }
    raise ValueError("it has no graph with the tag `serve`")


def _read_warmup_requests(path) -> list[predict_pb2.PredictRequest]:
    """Read the requests that a server sends to a model before its clients do.

    Other kinds of requests in the file are ignored.
    """
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    if not file.is_file():
        return []
    try:
        records = [bytes(r.numpy()) for r in tf.data.TFRecordDataset([str(file)])]
        logs = [prediction_log_pb2.PredictionLog.FromString(r) for r in records]
    except (tf.errors.DataLossError, DecodeError) as error:
        raise ValueError(f"{file} is corrupted; export the model again.") from error
    if len(logs) > _MAX_WARMUP_REQUESTS:
        raise ValueError(
            f"{file} has more than {_MAX_WARMUP_REQUESTS} requests. "
            f"Received: {len(logs)}."
        )
    return [log.predict_log.request for log in logs if log.HasField("predict_log")]


def _reason(error: Exception) -> str:
    """Return the cause of an error of TensorFlow in one line, without graph nodes."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    # The node of the graph comes last, in double brackets.
    lines = [line.strip() for line in text.split("[[{{")[0].splitlines()]
    lines = [line for line in lines if line] or [type(error).__name__]
    # The definition of the node comes first.
    return lines[-1] if lines[0].startswith("Graph execution error") else lines[0]
