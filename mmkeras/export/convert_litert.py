from __future__ import annotations

import os
import re
import tempfile

import keras
import tensorflow as tf

from mmkeras.export.static_form import StaticForm


def convert_litert(form: StaticForm, precision: str = "float32") -> bytes:
    """Converts a static form to a LiteRT model of built-in operations.

    Args:
        form: a `StaticForm`.
        precision: string, `"float32"`, `"float16"` (weights of 16 bits) or
            `"dynamic_int8"` (weights of 8 bits, activations quantized at run time).

    Returns:
        bytes, the model.

    Raises:
        ValueError: if an operation is not built in; the message names it.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write_saved_model(form, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(form.signatures)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            return converter.convert()
        except Exception as error:
            raise _explained(error) from error


def _write_saved_model(form, folder) -> None:
    # Given a Keras model, the converter writes a file without weights.
    archive = keras.export.ExportArchive()
    for resource in form.resources:
        archive.track(resource)
    for name, (function, inputs) in form.signatures.items():
        traced = tf.function(function, input_signature=[inputs], autograph=False)
        archive.add_endpoint(name, traced)
    archive.write_out(os.fspath(folder), verbose=False)


def _explained(error: Exception) -> Exception:
    text = str(error)
    found = re.findall(r"'?tf\.(\w+)'? op is neither a custom op nor a flex op", text)
    found += re.findall(r"(?:Flex|Custom) ops: ([^\n]+)", text)
    if not found:
        return error
    named = ", ".join(dict.fromkeys(found))
    return ValueError(
        f"LiteRT has no built-in operations for {named}. No file was written. Replace "
        "the layer or the option that needs them, or export a SavedModel."
    )
