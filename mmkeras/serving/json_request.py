from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import numpy as np

from mmkeras.serving.served_signature import ServedSignature
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.tensor_from_json import tensor_from_json


@dataclasses.dataclass(frozen=True)
class JsonRequest:
    """A `:predict` request in JSON.

    Args:
        signature: the requested `ServedSignature`.
        inputs: dict of arrays by name.
        by_row: bool, whether the request has `instances` and the response
            `predictions`; otherwise they are `inputs` and `outputs`.
    """

    signature: ServedSignature
    inputs: dict[str, np.ndarray]
    by_row: bool

    @classmethod
    def parse(
        cls, body: bytes, find_signature: Callable[[str], ServedSignature]
    ) -> JsonRequest:
        """Parse the body of a request.

        Args:
            body: bytes.
            find_signature: function from the name of a signature, `""` for the default,
                to the signature.

        Raises:
            ServingError: `INVALID_ARGUMENT` if the body is not a valid request.
        """
        document = _parse(body)
        name = document.get("signature_name", "")
        if not isinstance(name, str):
            raise ServingError.invalid("'signature_name' key must be a string value.")
        signature = find_signature(name)
        if "instances" in document and "inputs" in document:
            raise ServingError.invalid(
                "Not formatted correctly expecting only one of 'inputs' or "
                "'instances' keys to exist."
            )
        if "instances" in document:
            return cls(signature, _rows(document["instances"], signature), True)
        if "inputs" in document:
            return cls(signature, _columns(document["inputs"], signature), False)
        raise ServingError.invalid("Missing 'inputs' or 'instances' key.")


def _parse(body) -> dict:
    if not body.strip():
        raise ServingError.invalid("JSON Parse error: The document is empty.")
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ServingError.invalid("JSON Parse error: nested too deep.") from error
    except ValueError as error:
        # For invalid UTF-8 the message would quote the complete body.
        reason = getattr(error, "reason", None) or str(error)
        raise ServingError.invalid(f"JSON Parse error: {reason}.") from error
    if not isinstance(document, dict):
        raise ServingError.invalid("The request is not a JSON object.")
    return document


def _rows(instances, signature) -> dict[str, np.ndarray]:
    if not isinstance(instances, list):
        raise ServingError.invalid("Expecting 'instances' to be a list/array.")
    if not instances:
        raise ServingError.invalid("No values in 'instances' array.")
    named = [_is_named(instance) for instance in instances]
    if not all(named):
        if any(named):
            raise ServingError.invalid(
                "'instances' mixes objects and plain values. The first plain value is "
                f"at item {named.index(False)}."
            )
        return {
            name: tensor_from_json(instances, spec.dtype, name)
            for name, spec in _the_only_input(signature, "instances")
        }
    for index, instance in enumerate(instances):
        _check_keys(instance, signature, index)
    return {
        name: tensor_from_json([row[name] for row in instances], spec.dtype, name)
        for name, spec in signature.inputs.items()
    }


def _columns(inputs, signature) -> dict[str, np.ndarray]:
    if not _is_named(inputs):
        inputs = {name: inputs for name, _ in _the_only_input(signature, "inputs")}
    signature.check_names(inputs)
    return {
        name: tensor_from_json(inputs[name], spec.dtype, name)
        for name, spec in signature.inputs.items()
    }


def _is_named(value) -> bool:
    return isinstance(value, dict) and set(value) != {"b64"}


def _the_only_input(signature, key):
    if len(signature.inputs) != 1:
        raise ServingError.invalid(
            f"'{key}' has plain values, but the signature `{signature.name}` has "
            f"several inputs: {', '.join(signature.inputs)}. Name them in objects."
        )
    return signature.inputs.items()


def _check_keys(instance, signature, index):
    if instance.keys() != signature.inputs.keys():
        raise ServingError.invalid(
            f"Failed to process element: {index} of 'instances' list. Its keys must "
            f"be equal to: {','.join(signature.inputs)}. "
            f"Received: {','.join(sorted(instance)) or 'none'}."
        )
