from __future__ import annotations

import json
import os
import pathlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import h5py

_UNREADABLE = (
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_keras2(
    path: str | os.PathLike,
    custom_objects: dict[str, Any] | None = None,
    architecture: Any = None,
) -> Any:
    """Reads a model saved by Keras 2.

    Files that contain Python code, such as `Lambda` layers and some wrappers of
    recurrent cells, are refused. The graph of a SavedModel is not executed, but
    TensorFlow parses it: use SavedModels from trusted sources only.

    Args:
        path: path of an `.h5` or `.keras` file, or of a SavedModel folder.
        custom_objects: dict from names to custom Keras 2 classes and functions.
        architecture: for a file with weights only: path of the JSON file written by
            `model.to_json()`, or a `tf_keras.Model`; otherwise `None`.

    Returns:
        A `tf_keras.Model`.

    Raises:
        FileNotFoundError: if the file or folder does not exist.
        ValueError: if it is corrupted or has another format, or needs `custom_objects`
            or `architecture`.
    """
    import tf_keras
    from google.protobuf.message import DecodeError
    from tf_keras.src.saving.serialization_lib import SafeModeScope

    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"The file or folder {path} does not exist.")
    try:
        configs = list(_configs(path))
    except (DecodeError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is corrupted or not a Keras 2 file: {type(error).__name__}: "
            f"{error}."
        ) from error
    for config in configs:
        _refuse_code(path, config)
    try:
        if configs:
            if architecture is not None:
                raise ValueError(
                    "it contains its architecture. Pass it without `architecture`"
                )
            # tf_keras itself refuses any code that `_refuse_code` does not recognize.
            with SafeModeScope(True):
                return tf_keras.models.load_model(
                    str(path), custom_objects=custom_objects, compile=False
                )
        model = _built(architecture, path, custom_objects)
        model.load_weights(str(path))
        return model
    except _UNREADABLE as error:
        raise ValueError(
            f"{path} cannot be read by tf_keras: {error}\nIf a layer is unknown, pass "
            "its class: `load_tf_keras(path, custom_objects={'ClassName': ClassName})`."
        ) from error


def _built(architecture, path, custom_objects):
    import tf_keras
    from tf_keras.src.saving.serialization_lib import SafeModeScope

    if architecture is None:
        raise ValueError(
            "it contains weights without a model. Pass the output of `model.to_json()` "
            "or the model: `load_tf_keras(path, architecture='model.json')`."
        )
    if isinstance(architecture, tf_keras.Model):
        return architecture
    text = pathlib.Path(architecture).read_text("utf-8")
    _refuse_code(architecture, json.loads(text))
    with SafeModeScope(True):
        return tf_keras.models.model_from_json(text, custom_objects)


def _configs(path: pathlib.Path) -> Iterator[Any]:
    """The configurations of models in a file; none if it contains weights only."""
    if path.is_dir():
        yield from _saved_model_configs(path)
    elif zipfile.is_zipfile(path):
        yield _zipped_config(path)
    elif h5py.is_hdf5(path):
        try:
            with h5py.File(path, "r") as file:
                version = _text(file.attrs.get("keras_version", "2"))
                config = file.attrs.get("model_config")
        except OSError as error:
            raise ValueError(f"{path} is corrupted: {error}.") from error
        _refuse_keras_3(path, version)
        if config is not None:
            yield json.loads(_text(config))
    else:
        raise ValueError(
            f"{path} is not an HDF5 or `.keras` file of Keras 2, or it is corrupted."
        )


def _text(value) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _zipped_config(path):
    with zipfile.ZipFile(path) as file:
        if not {"metadata.json", "config.json"} <= set(file.namelist()):
            raise ValueError(f"{path} is not a `.keras` file: it lacks config.json.")
        _refuse_keras_3(path, json.loads(file.read("metadata.json"))["keras_version"])
        return json.loads(file.read("config.json"))


def _refuse_keras_3(path, version) -> None:
    if int(version.split(".")[0]) >= 3:
        raise ValueError(
            f"{path} was saved by Keras {version} and needs no conversion: pass "
            f"`keras.saving.load_model({str(path)!r})`."
        )


def _saved_model_configs(path):
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    if not file.is_file():
        raise ValueError(
            f"The folder {path} is not a SavedModel: it lacks {file.name}."
        )
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(file.read_bytes())
    objects = [
        node.user_object
        for graph in saved.meta_graphs
        for node in graph.object_graph_def.nodes
    ]
    if not any(item.identifier.startswith("_tf_keras_") for item in objects):
        raise ValueError(
            f"{path} was written by `tf.saved_model.save` or an export and contains "
            "graphs but no layers: it can be executed but not converted or trained. "
            "Save the model again with its source code: `model.save('backbone.h5')` in "
            f"Keras 2. `keras.layers.TFSMLayer({str(path)!r})` executes it in Keras 3 "
            "with frozen weights, as long as the folder exists."
        )
    # Before TensorFlow 2.5, the metadata were part of the graph.
    metadata = [item.metadata for item in objects]
    if (path / "keras_metadata.pb").is_file():
        metadata += _metadata(path / "keras_metadata.pb")
    for text in metadata:
        if text.startswith("{"):
            yield json.loads(text)


def _metadata(file):
    from tf_keras.protobuf import saved_metadata_pb2

    nodes = saved_metadata_pb2.SavedMetadata()
    nodes.ParseFromString(file.read_bytes())
    return [node.metadata for node in nodes.nodes]


def _refuse_code(path, config) -> None:
    for layer in _dicts(config):
        arguments = layer.get("config")
        if not isinstance(arguments, dict) or not _has_code(layer, arguments):
            continue
        name = repr(arguments.get("name"))
        raise ValueError(
            f"{path} contains Python code in the layer {name} "
            f"({layer.get('class_name')}), which is not executed. Build the model from "
            "its source code, load its weights, and replace the layer by a Keras 3 "
            f"layer: `load_tf_keras(model, replacements={{{name}: layer}})`."
        )


def _has_code(layer, arguments) -> bool:
    # `function_type`, `output_shape_type`, `mask_type`, ... are "lambda" for bytecode.
    types = [value for key, value in arguments.items() if key.endswith("_type")]
    if "lambda" in types or layer.get("class_name") == "__lambda__":
        return True
    parts = [value for value in arguments.values() if isinstance(value, dict)]
    if any(part.get("class_name") == "__lambda__" for part in parts):
        return True
    is_lambda = layer.get("class_name") == "Lambda"
    return is_lambda and not isinstance(arguments.get("function"), str)


def _dicts(value):
    if isinstance(value, dict):
        yield value
        value = value.values()
    elif not isinstance(value, list):
        return
    for item in value:
        yield from _dicts(item)
