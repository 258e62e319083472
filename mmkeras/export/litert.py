from __future__ import annotations

import os
import pathlib

import keras

from mmkeras import __version__
from mmkeras.export.check_litert import check_litert
from mmkeras.export.convert_litert import convert_litert
from mmkeras.export.in_float32 import in_float32
from mmkeras.export.litert_model import describe, require_whole
from mmkeras.export.litert_samples import litert_samples
from mmkeras.export.precisions import PRECISIONS
from mmkeras.export.quantize_litert import quantize_litert
from mmkeras.models import GenerativeVisualQA, ImageCaptioner, VisualQA
from mmkeras.models.image_captioner.litert_captions import litert_captions
from mmkeras.models.questions.litert_answers import litert_answers
from mmkeras.runtime.litert_file import FORMAT

_CONVERTED = ("float32", "float16", "dynamic_int8")
_FORMS = {
    ImageCaptioner: litert_captions,
    VisualQA: litert_answers,
    GenerativeVisualQA: litert_answers,
}


def export_litert(
    task,
    path: str | os.PathLike,
    precision: str = "float32",
    samples=None,
    min_identical: float | None = None,
    license: str = "",
    overwrite: bool = False,
    **options,
) -> dict:
    """Writes a task as a LiteRT (TFLite) file for phones.

    The file has built-in operations only, takes uint8 pixels of the model's size, and
    holds the vocabulary and what else a host must know. It is run by `ai-edge-litert`
    before it is handed over: what it says of the samples is compared with the task.
    `litert_captions` and `litert_answers` say which signatures there are.

    Args:
        task: an `ImageCaptioner`, a `VisualQA` or a `GenerativeVisualQA`.
        path: file to write, e.g. `"captioner.tflite"`.
        precision: string: `"float32"`; `"float16"` for weights of half the size;
            `"dynamic_int8"` for a quarter, computed in integers where it can be;
            `"weight_only_int8"` for a quarter, computed in float32; `"mixed_int8"`
            for an image encoder that is in integers throughout, by ranges that
            `samples` show (a hundred are not too many), and the rest as in
            `"dynamic_int8"`.
        samples: what to check on, as `litert_samples` takes them, or `None` for the
            few that the task keeps (`Task.keep_samples`).
        min_identical: float from 0 to 1, the share of the samples for which the file
            must say the very same; `None` for 1 in float32 and float16, 0.75 in int8.
        license: string, put into the file as `LICENSE.txt`.
        overwrite: bool, whether to replace the file that is there.
        **options: of `litert_captions` or `litert_answers`: `stepwise=True`,
            `num_beams=4`, `top_k=5`, ...

    Returns:
        dict of `bytes`, the size of the file, `samples`, their number, and
        `identical`, the share for which it says the same.

    Raises:
        FileExistsError: if the file is there and `overwrite` is `False`.
        ImportError: if a package of the extra `litert` is not installed.
        ValueError: if an option is out of range, an operation is not built in, or the
            file does not say what the task says. No file is left behind then.
    """
    path = pathlib.Path(path)
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` must be one of {', '.join(PRECISIONS)}. Received: "
            f"precision={precision!r}."
        )
    if path.is_dir() or (path.exists() and not overwrite):
        raise FileExistsError(
            f"{path} is there already. Choose another file, or pass overwrite=True."
        )
    _require_runtime()
    task = in_float32(task)
    samples = litert_samples(task, samples)
    form = _form(task, options)
    model = _model(task, form, precision, samples)
    require_whole(model)
    texts = {**form.texts, **({"LICENSE.txt": license} if license else {})}
    model = describe(model, _description(task, form, precision, license), texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Checked beside the place first, so that nothing is there that was not.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(model)
        share = check_litert(
            partial,
            task,
            samples,
            precision,
            min_identical=min_identical,
            **_decoding(task, options),
        )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return {"bytes": len(model), "samples": len(samples), "identical": share}


def _form(task, options):
    for kind, form in _FORMS.items():
        if isinstance(task, kind):
            return form(task, **options)
    raise ValueError(f"{type(task).__name__} has no form for LiteRT.")


def _decoding(task, options) -> dict:
    """The options that the check needs too."""
    return {} if isinstance(task, VisualQA) else options


def _model(task, form, precision, samples) -> bytes:
    if precision in _CONVERTED:
        return convert_litert(form, precision)
    first = next(iter(form.signatures))
    return quantize_litert(
        convert_litert(form),
        precision,
        first,
        (form.inputs(*sample) for sample in samples),
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
            'LiteRT files are checked by ai-edge-litert: pip install "mmkeras[litert]"'
        ) from error
