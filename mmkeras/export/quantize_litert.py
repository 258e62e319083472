from __future__ import annotations

import re
import warnings
from collections.abc import Iterable

import numpy as np

from mmkeras.export.litert_model import operators


def quantize_litert(
    model: bytes,
    precision: str,
    signature: str,
    calibration: Iterable[dict[str, np.ndarray]] = (),
    encoder: str = "image_encoder",
) -> bytes:
    """Quantizes the weights of a float32 LiteRT model to 8 bits.

    Args:
        model: bytes, a LiteRT model of float32.
        precision: string, `"weight_only_int8"` (it computes in float32) or
            `"mixed_int8"` (the image encoder computes in integers throughout, with
            ranges from `calibration`; the rest is quantized at run time).
        signature: string, the signature of `calibration`.
        calibration: iterable of dict of arrays, inputs of the signature, for
            `"mixed_int8"`.
        encoder: string, the name of the image encoder's layer.

    Returns:
        bytes, the model.

    Raises:
        ImportError: if `ai-edge-quantizer` is not installed.
        ValueError: if the model has no operations of the image encoder.
    """
    try:
        from ai_edge_quantizer import calibrator, qtyping, quantizer
    except ImportError as error:
        raise ImportError(
            f"precision={precision!r} needs ai-edge-quantizer: "
            'pip install "mmkeras[litert]"'
        ) from error
    every, names = qtyping.TFLOperationName.ALL_SUPPORTED, qtyping.TFLOperationName
    made = quantizer.Quantizer(bytearray(model))
    if precision == "weight_only_int8":
        made.add_weight_only_config(".*", every, 8)
        return bytes(_quantize(made, None))
    if not _has_convolutions(model, encoder):
        raise ValueError(
            f"The LiteRT model has no convolutions of the image encoder {encoder!r}, "
            "which 'mixed_int8' computes in integers. Use precision='dynamic_int8'."
        )
    made.add_dynamic_config(".*", every, 8)
    for kind in (names.CONV_2D, names.DEPTHWISE_CONV_2D, names.ADD, names.MEAN):
        made.add_static_config(f".*{re.escape(encoder)}.*", kind, 8, 8)
    # Only the profiler sees the tensors of the loop's body.
    mode = calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED
    ranges = made.calibrate({signature: list(calibration)}, mode=mode, num_threads=1)
    return bytes(_quantize(made, ranges))


def _has_convolutions(model, encoder) -> bool:
    """Whether the model has a convolution of the image encoder."""
    return any(
        kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and encoder in name
        for kind, _, _, name in operators(model)
    )


def _quantize(made, ranges):
    with warnings.catch_warnings():
        # The quantizer itself asks for all tensors.
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors")
        return made.quantize(
            ranges, enable_progress_bar=False, enable_progress_report=False
        ).quantized_model
