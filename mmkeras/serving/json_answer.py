from __future__ import annotations

import base64
import json

import grpc
import numpy as np

from mmkeras.serving.serving_error import ServingError


def json_answer(outputs: dict[str, np.ndarray], by_row: bool) -> bytes:
    """Encode outputs as TF Serving's REST API does.

    Bytes are `{"b64": ...}` in outputs with a name that ends in `_bytes`, and strings
    in all others.

    Args:
        outputs: dict of arrays by name.
        by_row: bool, whether the request had `instances`.

    Returns:
        Bytes, `{"predictions": [...]}` or `{"outputs": ...}`. The values of a single
        output are not named.

    Raises:
        ServingError: `INTERNAL` if a string is not UTF-8, `INVALID_ARGUMENT` if
            `by_row` is set and the outputs have different numbers of rows.
    """
    values = {name: _to_lists(name, value) for name, value in outputs.items()}
    if not by_row:
        document = {"outputs": _unnamed(values)}
    else:
        _check_rows(outputs)
        document = {"predictions": _by_row(values)}
    return json.dumps(document, ensure_ascii=False).encode()


def _by_row(values) -> list:
    if len(values) == 1:
        return _unnamed(values)
    return [
        dict(zip(values, row, strict=True))
        for row in zip(*values.values(), strict=True)
    ]


def _unnamed(values):
    return next(iter(values.values())) if len(values) == 1 else values


def _check_rows(outputs):
    rows = {name: value.shape[:1] for name, value in outputs.items()}
    if len(set(rows.values())) > 1 or () in rows.values():
        raise ServingError.invalid(
            "The outputs have no common number of rows. Send 'inputs' in place of "
            f"'instances'. Received: {rows}."
        )


def _to_lists(name, array):
    if array.dtype == object:
        encode = _to_base64 if name.endswith("_bytes") else _to_text
        flat = np.empty(array.size, object)
        flat[:] = [encode(name, value) for value in array.ravel()]
        return flat.reshape(array.shape).tolist()
    if array.dtype.kind in "biu":
        return array.tolist()
    # With the digits of the dtype: 0.2, not 0.20000000298.
    digits = [float(str(value)) for value in array.ravel()]
    return np.array(digits, "float64").reshape(array.shape).tolist()


def _to_base64(name, value) -> dict:
    return {"b64": base64.b64encode(value).decode()}


def _to_text(name, value) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ServingError(
            grpc.StatusCode.INTERNAL,
            f"The output `{name}` is not UTF-8. Use gRPC, or export it under a name "
            "that ends in `_bytes`.",
        ) from error
