"""Keras models in the LiteRT runtime."""

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from mmkeras.export.convert_litert import convert_litert
from mmkeras.export.litert_model import require_whole
from mmkeras.export.static_form import StaticForm


def litert_rows(model, inputs) -> np.ndarray:
    """The outputs of the model's LiteRT file, computed row by row."""

    def serve(given):
        return {"y": model([given[name] for name in names], training=False)}

    names = [f"x{i}" for i in range(len(inputs))]
    specs = {
        name: tf.TensorSpec((1, *x.shape[1:]), x.dtype, name=name)
        for name, x in zip(names, inputs, strict=True)
    }
    form = StaticForm({"serve": (serve, specs)}, {}, lambda _: {})
    content = convert_litert(form)
    require_whole(content)
    runner = Interpreter(model_content=content).get_signature_runner("serve")
    rows = [
        runner(
            **{name: x[row : row + 1] for name, x in zip(names, inputs, strict=True)}
        )
        for row in range(len(inputs[0]))
    ]
    return np.concatenate([row["y"] for row in rows])
