from __future__ import annotations

import os
import pathlib

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

# TF Serving refuses a SavedModel that has more.
_MOST = 1000


def read_warmup_requests(path: str | os.PathLike) -> list[predict_pb2.PredictRequest]:
    """The requests that a server sends to a model before its clients do.

    Args:
        path: folder of a SavedModel.

    Returns:
        list of `PredictRequest`; empty if the SavedModel has no file of them. Other
        kinds of requests in the file are left out.

    Raises:
        ValueError: if the file is damaged, or has more than 1,000 requests.
    """
    file = pathlib.Path(path) / "assets.extra" / "tf_serving_warmup_requests"
    if not file.is_file():
        return []
    try:
        records = [bytes(r.numpy()) for r in tf.data.TFRecordDataset([str(file)])]
        logs = [prediction_log_pb2.PredictionLog.FromString(r) for r in records]
    except (tf.errors.DataLossError, DecodeError) as error:
        raise ValueError(f"{file} is damaged; export the model again.") from error
    if len(logs) > _MOST:
        raise ValueError(
            f"{file} has more than {_MOST} requests. Received: {len(logs)}."
        )
    return [log.predict_log.request for log in logs if log.HasField("predict_log")]
