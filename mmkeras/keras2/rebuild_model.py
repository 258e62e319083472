from __future__ import annotations

import dataclasses
import re
from typing import Any

import keras
import tensorflow as tf

from mmkeras.keras2.convert_layer import clean_config, convert_layer
from mmkeras.keras2.tensor_operation import TensorOperation

_OPERATIONS = ("TFOpLambda", "SlicingOpLambda")
# Arguments of a call that do not affect the computation or are part of the layer.
_IGNORED = ("name", "training")


@dataclasses.dataclass
class RebuiltModel:
    """A Keras 2 model and its equivalent in Keras 3.

    Args:
        old: the `tf_keras.Model`.
        new: the `keras.Model`.
        steps: list of `Step`, the calls of layers, in the order of computation.
        inner: dict from the names of nested models to their `RebuiltModel`.
    """

    old: Any
    new: keras.Model
    steps: list[Step]
    inner: dict[str, RebuiltModel]


@dataclasses.dataclass
class Step:
    """A call of a layer: old and new layer, arguments, and old and new outputs."""

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
    """Converts a functional or sequential Keras 2 model to Keras 3.

    Args:
        old: a `tf_keras.Model`.
        replacements: dict from the name of a Keras 2 layer class to a Keras 3 class
            with the same configuration, or from the name of a layer to a Keras 3 layer.
        input_shape: tuple of int, without the batch, for inputs of unknown shape; or
            `None`.

    Returns:
        A `RebuiltModel` with the weights of the old model.

    Raises:
        ValueError: if a layer cannot be converted.
    """
    rebuilder = _Rebuilder(replacements or {})
    rebuilt = rebuilder.model(old, input_shape)
    rebuilder.copy_weights()
    return rebuilt


class _Rebuilder:
    def __init__(self, replacements):
        self._replacements = replacements
        # Shared layers stay shared. Old layers are kept, so that their ids stay unique.
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
                f"The model {old.name!r} ({type(old).__name__}) is not a functional or "
                "sequential model with a known input shape, so the connections of its "
                "layers are unknown. Build a functional model from its source code and "
                "save that: `inputs = tf_keras.Input(shape); tf_keras.Model(inputs, "
                "model(inputs))` suffices if `replacements` can be given for it."
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
            {k: v for k, v in node.call_kwargs.items() if k not in _IGNORED},
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
        """The `training` argument of a call, or `None` for the mode of the model."""
        training = node.call_kwargs.get("training")
        if training is None:
            return False if inference else None
        if training is not False and training != 0:
            raise _NotRebuiltError(
                f"The layer {node.layer.name!r} ({type(node.layer).__name__}) is "
                "called with `training=True`, which Keras 3 would ignore in "
                "inference. Build the model without it."
            )
        return False

    def _require_one_use(self, layer, model, training) -> None:
        place, mode = self._uses.setdefault(id(layer), (model, training))
        if place is not model:
            raise _NotRebuiltError(
                f"The layer {layer.name!r} ({type(layer).__name__}) is shared by the "
                f"models {place.name!r} and {model.name!r}, so that Keras would save "
                "it twice. Build a single model, or a separate layer for each."
            )
        if mode is not training:
            raise _NotRebuiltError(
                f"The layer {layer.name!r} ({type(layer).__name__}) is called with "
                "`training=False` and without it, which Keras 3 cannot distinguish. "
                "Call it in one mode."
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
            raise ValueError("it is a custom layer")
        config = old.get_config()
        if type(old).__name__ == "Normalization" and old.weights:
            # In Keras 3, adapted statistics are constants.
            mean, variance, _ = old.get_weights()
            config = {**config, "mean": mean, "variance": variance}
        return convert_layer(type(old).__name__, config, inference)


class _NotRebuiltError(ValueError):
    pass


def replace_tensors(structure: Any, values: dict[int, Any]) -> Any:
    """Replaces each Keras 2 tensor of a structure by the value for its id."""
    if hasattr(structure, "_keras_history"):
        return values[id(structure)]
    if isinstance(structure, dict):
        return {key: replace_tensors(item, values) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        # Keras 2 wraps lists in classes of its own.
        kind = tuple if isinstance(structure, tuple) else list
        return kind(replace_tensors(item, values) for item in structure)
    return structure


def unwrap(structure: Any) -> Any:
    """The only element of a list, or the structure itself."""
    single = isinstance(structure, (list, tuple)) and len(structure) == 1
    return structure[0] if single else structure


def _named_inputs(old):
    inputs = old._nested_inputs
    if isinstance(inputs, dict):
        # Keras 3 identifies them by the name of the input.
        return [(name, inputs[name]) for name in sorted(inputs)]
    return [(t._keras_history.layer.name, t) for t in tf.nest.flatten(inputs)]


def _input(name, tensor, input_shape):
    layer = tensor._keras_history.layer
    shape = tuple(tensor.shape[1:])
    dtype = tf.as_dtype(tensor.dtype)
    if layer.sparse or layer.ragged or dtype == tf.string:
        raise ValueError(
            f"The input {layer.name!r} is sparse, ragged or of strings. Only dense "
            "tensors of numbers are supported: start the model after the layer that "
            "creates them."
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
            f"`input_shape` must match the input {name!r} of shape {shape}. Received: "
            f"input_shape={given}."
        )
    return given


def _operation(node, positional, named):
    tensors = []
    arguments = TensorOperation.serialize([positional, named], tensors)
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
            f"{shapes}, in Keras 3 of {[tuple(v.shape) for v in after]}. Replace it: "
            f"`replacements={{{old.name!r}: layer}}`."
        )
    new.set_weights(before)


def _cannot(old, error) -> str:
    kind, name = type(old).__name__, old.name
    # Removes Keras's terminal formatting.
    error = re.sub(r"\x1b\[\d+m", "", str(error)).rstrip(".")
    if kind == "Lambda" or kind in _OPERATIONS or kind == "TensorFlowOpLayer":
        function = getattr(old, "symbol", None)
        what = f"tf.{function}" if function else kind
        return (
            f"The layer {name!r} ({what}) cannot be converted to Keras 3: {error}. "
            "Pass an equivalent Keras 3 layer: "
            f"`load_tf_keras(..., replacements={{{name!r}: layer}})`."
        )
    classes = f"custom_objects={{{kind!r}: Old}}, replacements={{{kind!r}: New}}"
    return (
        f"The layer {name!r} ({kind}) cannot be converted to Keras 3: {error}. Pass "
        f"its classes for tf_keras and Keras 3: `load_tf_keras(..., {classes})`; or "
        "end the model before it: `output_layer=`."
    )
