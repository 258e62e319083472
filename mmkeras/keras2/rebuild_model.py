from __future__ import annotations

import dataclasses
import re
from typing import Any

import keras
import tensorflow as tf

from mmkeras.keras2.convert_layer import clean_config, convert_layer
from mmkeras.keras2.tensor_operation import TensorOperation

_OPERATIONS = ("TFOpLambda", "SlicingOpLambda")
# Arguments of a call that are no part of what is computed, or in the layer itself.
_LEFT_OUT = ("name", "training")


@dataclasses.dataclass
class RebuiltModel:
    """A model of Keras 2 and the same in Keras 3.

    Args:
        old: the `tf_keras.Model`.
        new: the `keras.Model`.
        steps: list of the calls of layers, in the order of computation.
        inner: dict of the `RebuiltModel`s inside it, by the name of the layer.
    """

    old: Any
    new: keras.Model
    steps: list[Step]
    inner: dict[str, RebuiltModel]


@dataclasses.dataclass
class Step:
    """A call of a layer: the layers, what they are given and what they return."""

    old_layer: Any
    new_layer: keras.layers.Layer
    arguments: tuple
    old_tensors: list
    new_tensors: list


def rebuild_model(
    old: Any,
    replacements: dict[str, Any] | None = None,
    input_shape: tuple | None = None,
) -> RebuiltModel:
    """Builds a functional or sequential model of Keras 2 again in Keras 3.

    Args:
        old: a `tf_keras.Model`.
        replacements: dict from the name of a class of layers of Keras 2 to a class of
            Keras 3, which takes the same configuration, or from the name of a layer to
            a layer of Keras 3.
        input_shape: tuple of int, without the batch, which takes the place of a shape
            that is not known; or `None`.

    Returns:
        A `RebuiltModel`, with the weights of the old one.

    Raises:
        ValueError: if a layer cannot be rebuilt.
    """
    rebuilder = _Rebuilder(replacements or {})
    rebuilt = rebuilder.model(old, input_shape)
    rebuilder.copy_weights()
    return rebuilt


class _Rebuilder:
    def __init__(self, replacements):
        self._replacements = replacements
        # Shared layers are one layer here too. The old layer is kept with the new one,
        # so that no other takes its id.
        self._layers = {}
        self._models = {}
        self._uses = {}

    def model(self, old, input_shape=None, inference=False) -> RebuiltModel:
        if id(old) not in self._models:
            self._models[id(old)] = self._functional(old, input_shape, inference)
        return self._models[id(old)]

    def copy_weights(self) -> None:
        for old, new in self._layers.values():
            _copy(old, new)
        for rebuilt in self._models.values():
            if not rebuilt.old.trainable:
                rebuilt.new.trainable = False

    def _functional(self, old, input_shape, inference):
        if not getattr(old, "_is_graph_network", False):
            raise ValueError(
                f"The model {old.name!r} ({type(old).__name__}) is no functional or "
                "sequential model with a known input shape, so its file does not say "
                "how its layers are connected. Make a functional model of it where its "
                "code is: `inputs = tf_keras.Input(shape); tf_keras.Model(inputs, "
                "model(inputs))` helps if its `call` uses nothing but layers that "
                "`replacements` can stand for; and save that."
            )
        tensors = {}
        for name, tensor in _named_inputs(old):
            tensors[id(tensor)] = _input(name, tensor, input_shape)
        steps, inner = [], {}
        for depth in sorted(old._nodes_by_depth, reverse=True):
            for node in old._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                training = self._training(node, inference)
                self._require_one_use(node.layer, old, training)
                step = self._step(node, tensors, inner, training is False)
                steps.append(step)
        new = keras.Model(
            replace_tensors(unwrap(old._nested_inputs), tensors),
            replace_tensors(unwrap(old._nested_outputs), tensors),
            name=old.name.replace("/", "_"),
        )
        return RebuiltModel(old, new, steps, inner)

    def _step(self, node, tensors, inner, inference) -> Step:
        arguments = (
            list(node.call_args),
            {k: v for k, v in node.call_kwargs.items() if k not in _LEFT_OUT},
        )
        positional, named = replace_tensors(arguments, tensors)
        try:
            if self._is_operation(node.layer):
                layer, outputs = _operation(node, positional, named)
            else:
                layer = self._layer(node.layer, inner, inference)
                outputs = _called(layer, positional, named)
        except (TypeError, ValueError, NotImplementedError) as error:
            if isinstance(error, _NotRebuiltError):
                raise
            raise _NotRebuiltError(_cannot(node.layer, error)) from error
        old_tensors = tf.nest.flatten(node.outputs)
        new_tensors = keras.tree.flatten(outputs)
        for before, after in zip(old_tensors, new_tensors, strict=True):
            tensors[id(before)] = after
        return Step(node.layer, layer, arguments, old_tensors, new_tensors)

    def _training(self, node, inference) -> bool | None:
        """The mode that a layer is called in, or `None` for that of the model."""
        training = node.call_kwargs.get("training")
        if training is None:
            return False if inference else None
        if training is not False and training != 0:
            raise _NotRebuiltError(
                f"The layer {node.layer.name!r} ({type(node.layer).__name__}) is "
                "called with `training=True`, which Keras 3 does not keep when the "
                "model is used. Build the model without that."
            )
        return False

    def _require_one_use(self, layer, model, training) -> None:
        place, mode = self._uses.setdefault(id(layer), (model, training))
        if place is not model:
            raise _NotRebuiltError(
                f"The layer {layer.name!r} ({type(layer).__name__}) is shared by the "
                f"models {place.name!r} and {model.name!r}, of which one is within the "
                "other or beside it. Keras would save it twice. Build one model of "
                "their layers, or a layer of its own for each."
            )
        if mode is not training:
            raise _NotRebuiltError(
                f"The layer {layer.name!r} ({type(layer).__name__}) is called with "
                "`training=False` and without it, which Keras 3 does not keep apart. "
                "Call it in one way."
            )

    def _is_operation(self, old) -> bool:
        return type(old).__name__ in _OPERATIONS and old.name not in self._replacements

    def _layer(self, old, inner, inference):
        if hasattr(old, "_nodes_by_depth") and not self._replacement(old):
            rebuilt = inner[old.name] = self.model(old, None, inference)
            return rebuilt.new
        if id(old) not in self._layers:
            self._layers[id(old)] = (old, self._new(old, inference))
        return self._layers[id(old)][1]

    def _replacement(self, old):
        name = self._replacements.get(type(old).__name__)
        return self._replacements.get(old.name, name)

    def _new(self, old, inference):
        replacement = self._replacement(old)
        if isinstance(replacement, keras.layers.Layer):
            return replacement
        if replacement is not None:
            return replacement.from_config(clean_config(old.get_config()))
        if not type(old).__module__.startswith("tf_keras.src.layers"):
            raise ValueError("it is a layer of one's own")
        config = old.get_config()
        if type(old).__name__ == "Normalization" and old.weights:
            # In Keras 3, what is adapted once is a constant.
            mean, variance, _ = old.get_weights()
            config = {**config, "mean": mean, "variance": variance}
        return convert_layer(type(old).__name__, config, inference)


class _NotRebuiltError(ValueError):
    pass


def replace_tensors(structure: Any, values: dict[int, Any]) -> Any:
    """The structure with each tensor of Keras 2 replaced by the value of its id."""
    if hasattr(structure, "_keras_history"):
        return values[id(structure)]
    if isinstance(structure, dict):
        return {key: replace_tensors(item, values) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        # Whatever kind of list Keras 2 makes of it.
        kind = tuple if isinstance(structure, tuple) else list
        return kind(replace_tensors(item, values) for item in structure)
    return structure


def unwrap(structure: Any) -> Any:
    """What is alone in a list, without the list."""
    alone = isinstance(structure, (list, tuple)) and len(structure) == 1
    return structure[0] if alone else structure


def _named_inputs(old):
    inputs = old._nested_inputs
    if isinstance(inputs, dict):
        # Keras 3 finds them by the name of the input.
        return [(name, inputs[name]) for name in sorted(inputs)]
    return [(t._keras_history.layer.name, t) for t in tf.nest.flatten(inputs)]


def _input(name, tensor, input_shape):
    layer = tensor._keras_history.layer
    shape = tuple(tensor.shape[1:])
    dtype = tf.as_dtype(tensor.dtype)
    if layer.sparse or layer.ragged or dtype == tf.string:
        raise ValueError(
            f"The input {layer.name!r} is sparse, ragged or of strings. Only dense "
            "tensors of numbers are taken: cut the model behind what makes them."
        )
    if input_shape is not None:
        shape = _filled(name, shape, tuple(input_shape))
    return keras.Input(shape, dtype=dtype.name, name=name.replace("/", "_"))


def _filled(name, shape, given):
    fits = len(shape) == len(given) and all(
        old in (None, new) for old, new in zip(shape, given, strict=True)
    )
    if not fits:
        raise ValueError(
            f"The input {name!r} has the shape {shape}. Received: input_shape={given}."
        )
    return given


def _operation(node, positional, named):
    tensors = []
    arguments = TensorOperation.written([positional, named], tensors)
    number = node.layer._inbound_nodes.index(node)
    name = node.layer.name + (f"_call_{number}" if number else "")
    layer = TensorOperation(
        node.layer.symbol,
        arguments,
        name=name.replace("/", "_"),
    )
    return layer, layer(*tensors)


def _called(layer, positional, named):
    named = {key: value for key, value in named.items() if value is not None}
    recurrent = isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional))
    if recurrent and isinstance(positional[0], (list, tuple)):
        sequence, *states = positional[0]
        return layer(sequence, initial_state=states, **named)
    positional = [unwrap(item) for item in positional]
    return layer(*positional, **named)


def _copy(old, new):
    if type(new) is keras.layers.Normalization:
        return
    before, after = old.get_weights(), new.weights
    shapes = [value.shape for value in before]
    if shapes != [tuple(variable.shape) for variable in after]:
        raise ValueError(
            f"The layer {old.name!r} ({type(old).__name__}) has weights of shapes "
            f"{shapes}, in Keras 3 of {[tuple(v.shape) for v in after]}. Give another "
            f"layer for it: `replacements={{{old.name!r}: layer}}`."
        )
    new.set_weights(before)


def _cannot(old, error) -> str:
    kind, name = type(old).__name__, old.name
    # Without Keras's bold type.
    error = re.sub(r"\x1b\[\d+m", "", str(error)).rstrip(".")
    if kind == "Lambda" or kind in _OPERATIONS or kind == "TensorFlowOpLayer":
        function = getattr(old, "symbol", None)
        what = f"tf.{function}" if function else kind
        return (
            f"The layer {name!r} ({what}) cannot be rebuilt in Keras 3: {error}. Give "
            "a layer of Keras 3 that computes the same: "
            f"`load_tf_keras(..., replacements={{{name!r}: layer}})`."
        )
    classes = f"custom_objects={{{kind!r}: Old}}, replacements={{{kind!r}: New}}"
    return (
        f"The layer {name!r} ({kind}) cannot be rebuilt in Keras 3: {error}. Give its "
        f"class for tf_keras and one for Keras 3: `load_tf_keras(..., {classes})`; or "
        "end the model before it: `output_layer=`."
    )
