from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Any

import keras

from mmkeras import __version__
from mmkeras.arguments import check_choice, real_number
from mmkeras.export.check_litert import check_litert
from mmkeras.export.convert_litert import convert_litert
from mmkeras.export.in_float32 import in_float32
from mmkeras.export.litert_model import describe, require_whole
from mmkeras.export.litert_samples import litert_samples
from mmkeras.export.precisions import PRECISIONS
from mmkeras.export.quantize_litert import quantize_litert
from mmkeras.runtime.litert_file import FORMAT

if TYPE_CHECKING:
    from mmkeras.models import Task

_CONVERTED = ("float32", "float16", "dynamic_int8")


def export_litert(
    task: Task,
    path: str | os.PathLike,
    precision: str = "float32",
    samples: Any = None,
    min_identical: float | None = None,
    license: str = "",
    overwrite: bool = False,
    **options: Any,
) -> dict[str, float]:
    """Writes a task as a LiteRT (TFLite) file for phones.

    The file has built-in operations only, takes uint8 pixels of the model's size, and
    contains the vocabulary and everything else that a host must know. Before it is
    written it is run by `ai-edge-litert`, and its outputs for samples are compared
    with the task's. `task.static_form` documents its signatures.

    Args:
        task: a task of `mmkeras.models`.
        path: file to write, e.g. `"captioner.tflite"`.
        precision: string: `"float32"`; `"float16"` for weights of half the size;
            `"dynamic_int8"` for a quarter, computed in integers where possible;
            `"weight_only_int8"` for a quarter, computed in float32; `"mixed_int8"`
            for an image encoder in integers throughout, with ranges calibrated on
            `samples` (a hundred are not too many), and the rest as in
            `"dynamic_int8"`.
        samples: iterable of the samples to check the file on, as `litert_samples`
            accepts them, or `None` for those of the task (`Task.keep_samples`).
        min_identical: float from 0 to 1, minimum share of samples for which the file
            must give the same output; `None` for 1 in float32 and float16, 0.75 in
            int8.
        license: string, stored in the file as `LICENSE.txt`.
        overwrite: bool, whether to replace an existing file.
        **options: options of the task's `static_form`: `stepwise=True`,
            `num_beams=4`, `num_sequences=5`, ...

    Returns:
        dict of `bytes`, the size of the file, `samples`, their number, and
        `identical`, the share with the same output.

    Raises:
        FileExistsError: if the file exists and `overwrite` is `False`.
        ImportError: if a package of the extra `litert` is not installed.
        TypeError: if an option is unknown.
        ValueError: if an option is out of range, an operation is not built in, or the
            outputs of the file differ from the task's. No file is left behind then.
    """
    path = pathlib.Path(path)
    check_choice("precision", precision, PRECISIONS)
    if min_identical is not None:
        min_identical = real_number(
            "min_identical", min_identical, minimum=0, maximum=1
        )
    if path.is_dir() or (path.exists() and not overwrite):
        raise FileExistsError(
            f"{path} exists. Choose another file, or pass overwrite=True."
        )
    _require_runtime()
    task = in_float32(task)
    form = task.static_form(**options)
    samples = litert_samples(task, samples)
    model = _model(task, form, precision, samples)
    require_whole(model)
    texts = {**form.texts, **({"LICENSE.txt": license} if license else {})}
    model = describe(model, _description(task, form, precision, license), texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Checked under another name, so that no wrong file is ever at `path`.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(model)
        share = check_litert(
            partial,
            task,
            samples,
            precision,
            min_identical,
            form.has_scores,
            **form.verb_options,
        )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return {"bytes": len(model), "samples": len(samples), "identical": share}


def _model(task, form, precision, samples) -> bytes:
    if precision in _CONVERTED:
        return convert_litert(form, precision)
    first = next(iter(form.signatures))
    return quantize_litert(
        convert_litert(form),
        precision,
        first,
        (form.inputs(sample) for sample in samples),
        task.backbone.image_encoder.name,
    )


def _description(task, form, precision, license) -> dict:
    signatures = {
        name: {
            "inputs": {
                key: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
                for key, spec in inputs.items()
            }
        }
        for name, (_, inputs) in form.signatures.items()
    }
    return {
        "format": FORMAT,
        "mmkeras": __version__,
        "keras": keras.__version__,
        "task": type(task).__name__,
        "precision": precision,
        "license": license,
        "signatures": signatures,
        **form.description,
    }


def _require_runtime() -> None:
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "LiteRT files are checked with ai-edge-litert. Install it: "
            "pip install 'mmkeras[litert]'"
        ) from error
