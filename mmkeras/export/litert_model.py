from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import numpy as np

from mmkeras.runtime.litert_file import DESCRIPTION

METADATA = "mmkeras"
# Of weights, in bytes, as the schema of LiteRT asks for.
_ALIGNMENT = 16


def require_whole(model: bytes) -> None:
    """Refuses a LiteRT model that a plain runtime could not run.

    Args:
        model: bytes.

    Raises:
        ValueError: if it has an operation that is not built in, or reads a weight
            that is not in it; the message names them.
    """
    foreign, missing = [], []
    for kind, operator, code, _ in operators(model):
        if kind == "CUSTOM":
            foreign.append(_decoded(code.customCode))
        if kind == "VAR_HANDLE":
            missing.append(_decoded(operator.builtinOptions.sharedName))
    if foreign:
        raise ValueError(
            "The LiteRT model has operations that are not built in: "
            f"{', '.join(sorted(set(foreign)))}."
        )
    if missing:
        raise ValueError(
            "The LiteRT model lacks weights that it reads: "
            f"{', '.join(sorted(set(missing)))}."
        )


def operators(model: bytes) -> Iterator[tuple]:
    """The operators of a LiteRT model.

    Yields:
        The name of the kind, e.g. `"CONV_2D"`, the operator, its code, and the name of
        its first output, empty if it has none.
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
            # Those beyond the 127th are told by the newer field alone.
            kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
            # Those that only set something up have none.
            outputs = [] if operator.outputs is None else operator.outputs[:1]
            names = [_decoded(graph.tensors[place].name) for place in outputs]
            yield kind, operator, code, "".join(names)


def describe(model: bytes, description: dict, texts: dict[str, str]) -> bytes:
    """A LiteRT model with what is to be known of it.

    The description is put into the model's own metadata, under `"mmkeras"`, and with
    the texts into a zip archive after the model.

    Args:
        model: bytes.
        description: dict, for JSON.
        texts: dict of string by file name.

    Returns:
        bytes, still a LiteRT model.
    """
    text = json.dumps(description, ensure_ascii=False, indent=1) + "\n"
    compact = json.dumps(description, ensure_ascii=False, separators=(",", ":"))
    file = io.BytesIO(_with_metadata(model, compact.encode("utf-8")))
    # Zip archives are read from their end, so that they may stand after anything.
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {DESCRIPTION: text, **texts}.items():
            # A fixed date, so that equal models are equal files.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _with_metadata(model, content):
    schema, parsed = _parse(model)
    for graph in parsed.subgraphs:
        for tensor in graph.tensors:
            # A hundredth of a small file, and nothing of it is needed to run it.
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
    """A name without the path of layers, and without what was fused into it."""
    return _decoded(name).split(";")[0].split("/")[-1].encode("utf-8")


def _aligned_builder(size):
    import flatbuffers

    class AlignedBuilder(flatbuffers.Builder):
        """What the Python code of flatbuffers leaves out of the schema."""

        def StartVector(self, elemSize, numElems, alignment):
            if elemSize == 1:
                alignment = _ALIGNMENT
            return super().StartVector(elemSize, numElems, alignment)

    return AlignedBuilder(size)


def _parse(model):
    from ai_edge_litert import schema_py_generated as schema

    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    for buffer in parsed.buffers:
        # Weights may stand after the tables, which writing them anew would move.
        if buffer.offset and buffer.offset > 1:
            end = buffer.offset + buffer.size
            buffer.data = np.frombuffer(model[buffer.offset : end], np.uint8)
            buffer.offset = buffer.size = 0
    return schema, parsed


def _decoded(name) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)
