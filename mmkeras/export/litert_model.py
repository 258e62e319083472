from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import numpy as np

from mmkeras.runtime.litert_file import DESCRIPTION

METADATA = "mmkeras"
# Bytes; the schema of LiteRT asks for it.
_ALIGNMENT = 16


def require_whole(model: bytes) -> None:
    """Checks that a runtime with built-in operations only can run a LiteRT model.

    Args:
        model: bytes.

    Raises:
        ValueError: if an operation is not built in, or a weight is missing; the
            message names them.
    """
    foreign, missing = [], []
    for kind, operator, code, _ in operators(model):
        if kind == "CUSTOM":
            foreign.append(_decoded(code.customCode))
        if kind == "VAR_HANDLE":
            missing.append(_decoded(operator.builtinOptions.sharedName))
    if foreign:
        raise ValueError(
            "The LiteRT model needs operations that are not built in: "
            f"{', '.join(sorted(set(foreign)))}."
        )
    if missing:
        raise ValueError(
            f"The LiteRT model lacks weights: {', '.join(sorted(set(missing)))}."
        )


def operators(model: bytes) -> Iterator[tuple]:
    """The operators of a LiteRT model.

    Yields:
        Tuples of the name of the operation, e.g. `"CONV_2D"`, the operator, its code,
        and the name of its first output, empty if it has none.
    """
    schema, parsed = _parse(model)
    kinds = {
        value: name
        for name, value in vars(schema.BuiltinOperator).items()
        if isinstance(value, int)
    }
    for graph in parsed.subgraphs:
        for operator in graph.operators:
            code = parsed.operatorCodes[operator.opcodeIndex]
            # Only the newer field has codes above 127.
            kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
            # Operators that initialize something have no outputs.
            outputs = [] if operator.outputs is None else operator.outputs[:1]
            names = [_decoded(graph.tensors[place].name) for place in outputs]
            yield kind, operator, code, "".join(names)


def describe(model: bytes, description: dict, texts: dict[str, str]) -> bytes:
    """Adds a description and texts to a LiteRT model.

    The description is stored in the model's metadata, under `"mmkeras"`, and with the
    texts in a zip archive appended to the model.

    Args:
        model: bytes.
        description: dict, for JSON.
        texts: dict of string by file name.

    Returns:
        bytes, a LiteRT model.
    """
    text = json.dumps(description, ensure_ascii=False, indent=1) + "\n"
    compact = json.dumps(description, ensure_ascii=False, separators=(",", ":"))
    file = io.BytesIO(_with_metadata(model, compact.encode("utf-8")))
    # Zip archives are read from their end, so anything may precede them.
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {DESCRIPTION: text, **texts}.items():
            # `ZipInfo` has a fixed date, so that equal models give equal files.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _with_metadata(model, content):
    schema, parsed = _parse(model)
    for graph in parsed.subgraphs:
        for tensor in graph.tensors:
            # Names are a hundredth of a small file, and not needed to run it.
            tensor.name = _short_name(tensor.name)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    parsed.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = METADATA
    entry.buffer = len(parsed.buffers) - 1
    parsed.metadata = [*(parsed.metadata or []), entry]
    builder = _aligned_builder(len(model) + len(content))
    builder.Finish(parsed.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _short_name(name) -> bytes:
    """A name without its path of layers, and without the names fused into it."""
    return _decoded(name).split(";")[0].split("/")[-1].encode("utf-8")


def _aligned_builder(size):
    import flatbuffers

    class AlignedBuilder(flatbuffers.Builder):
        """Aligns weights as the schema asks for, which flatbuffers does not."""

        def StartVector(self, elemSize, numElems, alignment):
            if elemSize == 1:
                alignment = _ALIGNMENT
            return super().StartVector(elemSize, numElems, alignment)

    return AlignedBuilder(size)


def _parse(model):
    from ai_edge_litert import schema_py_generated as schema

    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    for buffer in parsed.buffers:
        # Weights may follow the tables, whose sizes change.
        if buffer.offset and buffer.offset > 1:
            end = buffer.offset + buffer.size
            buffer.data = np.frombuffer(model[buffer.offset : end], np.uint8)
            buffer.offset = buffer.size = 0
    return schema, parsed


def _decoded(name) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)
