from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

_SIDE = 64
_QUESTION = "what is in the image?"


def write_warmup_requests(
    path: str | os.PathLike,
    model: str,
    signatures: Mapping[str, Iterable[tf.TensorSpec]],
) -> None:
    """Writes the warm-up requests of a SavedModel.

    TensorFlow prepares a graph at its first call, which takes longer than later ones.
    TF Serving and `mmkeras serve` send these requests while they load the model, one
    to each signature: an image of 64 × 64 pixels and a question.

    Args:
        path: folder of a SavedModel, in which
            `assets.extra/tf_serving_warmup_requests` is written.
        model: string, the name of the model.
        signatures: dict from the name of a signature to the specifications of its
            inputs, strings `[batch]`; those whose names end in `_bytes` are images.
    """
    file = pathlib.Path(path) / "assets.extra" / "tf_serving_warmup_requests"
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(os.fspath(file)) as writer:
        for name, inputs in signatures.items():
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = model
            request.model_spec.signature_name = name
            for spec in inputs:
                request.inputs[spec.name].CopyFrom(_row(spec))
            writer.write(log.SerializeToString())


def _row(spec):
    if spec.dtype != tf.string or spec.shape.rank != 1:
        raise ValueError(
            "Warm-up requests support only strings [batch]. "
            f"Received: {spec.name} of {spec.dtype.name} {spec.shape}."
        )
    value = _image() if spec.name.endswith("_bytes") else _QUESTION.encode()
    return tf.make_tensor_proto([value])


def _image() -> bytes:
    # Gradients, so that no pixel is a special case.
    ramp = tf.linspace(0.0, 1.0, _SIDE)
    across, down = tf.meshgrid(ramp, ramp)
    pixels = tf.stack([across, down, 1 - across], axis=-1)
    pixels = tf.image.convert_image_dtype(pixels, tf.uint8)
    return tf.io.encode_jpeg(pixels).numpy()
