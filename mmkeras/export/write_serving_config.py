from __future__ import annotations

import os
import pathlib

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

_BATCHING = """\
# For --enable_batching --batching_parameters_file.
# Rows of one request; more are refused.
max_batch_size { value: 1024 }
# Rows of one call of the model. Requests that have more are split.
max_execution_batch_size { value: 32 }
enable_large_batch_splitting { value: true }
# How long a request waits for others to join it.
batch_timeout_micros { value: 5000 }
# Calls side by side: the cores of the server is a good number.
num_batch_threads { value: 4 }
# Batches that wait; more requests are refused.
max_enqueued_batches { value: 100 }
"""


def write_serving_config(
    folder: str | os.PathLike, base_path: str | None = None, overwrite: bool = False
) -> None:
    """Writes `models.config` and `batching.config` for TF Serving.

    Args:
        folder: folder of the model with its versions; the model gets its name.
        base_path: string, the path of the folder on the server; `None` for
            `/models/NAME`, where TF Serving's Docker image looks for models.
        overwrite: bool, whether to replace files with other contents.

    Raises:
        FileExistsError: if a file has other contents and `overwrite` is `False`;
            nothing is written then.
    """
    folder = pathlib.Path(folder).resolve()
    texts = {
        "models.config": _models(folder.name, base_path or f"/models/{folder.name}"),
        "batching.config": _BATCHING,
    }
    changed = {
        name: text for name, text in texts.items() if _differs(folder / name, text)
    }
    for name in changed:
        if (folder / name).exists() and not overwrite:
            raise FileExistsError(
                f"{folder / name} exists with other contents. Keep it and remove "
                "serving_config, or pass overwrite=True."
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in changed.items():
        # A server may be reading the file.
        partial = folder / f".{name}.{os.getpid()}.partial"
        partial.write_text(text, "utf-8")
        partial.replace(folder / name)


def _models(name, base_path) -> str:
    config = model_server_config_pb2.ModelServerConfig()
    model = config.model_config_list.config.add(
        name=name, base_path=base_path, model_platform="tensorflow"
    )
    model.model_version_policy.latest.num_versions = 1
    text = text_format.MessageToString(config, as_utf8=True)
    return f"# For --model_config_file.\n{text}"


def _differs(file, text) -> bool:
    return not file.is_file() or file.read_text("utf-8") != text
