from __future__ import annotations

from tensorflow_serving.apis import get_model_metadata_pb2

from mmkeras.serving.model_version import ModelVersion


def signature_map(model: ModelVersion) -> get_model_metadata_pb2.SignatureDefMap:
    """The signatures of a model as TF Serving's metadata has them."""
    message = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in model.definitions.items():
        message.signature_def[name].CopyFrom(definition)
    return message
