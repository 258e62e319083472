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
    """Reads a model that Keras 2 has saved.

    Python code that a file brings, as `Lambda` layers and some wrappers of recurrent
    cells do, is not run: such a file is refused. A SavedModel's graph is not executed
    either, but TensorFlow reads it: take one from a source that you trust.

    Args:
        path: path of an `.h5` or `.keras` file, or of a SavedModel folder.
        custom_objects: dict of the classes and functions of Keras 2 that are one's own,
            by name.
        architecture: for a file of weights alone: path of the JSON that
            `model.to_json()` gave, or a `tf_keras.Model`; else `None`.

    Returns:
        A `tf_keras.Model`.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: if it is of another kind, is broken, or needs `custom_objects` or
            `architecture`.
    """
    import tf_keras
    from google.protobuf.message import DecodeError
    from tf_keras.src.saving.serialization_lib import SafeModeScope

    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    try:
        configs = list(_configs(path))
    except (DecodeError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is broken, or no file of Keras 2: {type(error).__name__}: {error}."
        ) from error
    for config in configs:
        _refuse_code(path, config)
    try:
        if configs:
            if architecture is not None:
                raise ValueError("it has its own `architecture`: leave that out")
            # What `_refuse_code` does not know is refused by tf_keras itself.
            with SafeModeScope(True):
                return tf_keras.models.load_model(
                    str(path), custom_objects=custom_objects, compile=False
                )
        model = _built(architecture, path, custom_objects)
        model.load_weights(str(path))
        return model
    except _UNREADABLE as error:
        raise ValueError(
            f"{path} cannot be read by tf_keras: {error}\nIf a layer is unknown, give "
            "its class: `load_tf_keras(path, custom_objects={'ClassName': ClassName})`."
        ) from error


def _built(architecture, path, custom_objects):
    import tf_keras
    from tf_keras.src.saving.serialization_lib import SafeModeScope

    if architecture is None:
        raise ValueError(
            "it holds weights without a model. Give what `model.to_json()` wrote, or "
            "the model: `load_tf_keras(path, architecture='model.json')`."
        )
    if isinstance(architecture, tf_keras.Model):
        return architecture
    text = pathlib.Path(architecture).read_text("utf-8")
    _refuse_code(architecture, json.loads(text))
    with SafeModeScope(True):
        return tf_keras.models.model_from_json(text, custom_objects)


def _configs(path: pathlib.Path) -> Iterator[Any]:
    """The configurations of models in a file; none where it holds weights alone."""
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
            raise ValueError(f"{path} is broken: {error}.") from error
        _refuse_keras_3(path, version)
        if config is not None:
            yield json.loads(_text(config))
    else:
        raise ValueError(
            f"{path} is no HDF5 or `.keras` file of Keras 2, or it is broken."
        )


def _text(value) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _zipped_config(path):
    with zipfile.ZipFile(path) as file:
        if not {"metadata.json", "config.json"} <= set(file.namelist()):
            raise ValueError(f"{path} is no `.keras` file: it has no config.json.")
        _refuse_keras_3(path, json.loads(file.read("metadata.json"))["keras_version"])
        return json.loads(file.read("config.json"))


def _refuse_keras_3(path, version) -> None:
    if int(version.split(".")[0]) >= 3:
        raise ValueError(
            f"{path} was saved by Keras {version} and needs no conversion: give "
            f"`keras.saving.load_model({str(path)!r})`."
        )


def _saved_model_configs(path):
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    if not file.is_file():
        raise ValueError(f"The folder {path} is no SavedModel: it has no {file.name}.")
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(file.read_bytes())
    objects = [
        node.user_object
        for graph in saved.meta_graphs
        for node in graph.object_graph_def.nodes
    ]
    if not any(item.identifier.startswith("_tf_keras_") for item in objects):
        raise ValueError(
            f"{path} was written by `tf.saved_model.save` or an export and has graphs "
            "but no layers: it can be run but not rebuilt or trained. Save the model "
            "again where its code is: `model.save('backbone.h5')` in Keras 2. "
            f"`keras.layers.TFSMLayer({str(path)!r})` runs it frozen in Keras 3, as "
            "long as the folder is there."
        )
    # Before TensorFlow 2.5 the metadata were in the graph.
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
            f"{path} has Python code in it, in the layer {name} "
            f"({layer.get('class_name')}), which is not run. Make the model where its "
            "code is, load its weights, and give a layer of Keras 3 in its place: "
            f"`load_tf_keras(model, replacements={{{name}: layer}})`."
        )


def _has_code(layer, arguments) -> bool:
    # `function_type`, `output_shape_type`, `mask_type`, ... say "lambda" of bytecode.
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
