from __future__ import annotations

import importlib.util
import pathlib
import shutil


def official_scorers() -> list[str]:
    """The metrics of `pycocoevalcap` that run in Java and can be had here.

    Returns:
        A list of none, one or both of `"METEOR"` and `"SPICE"`, the latter only with
        the Stanford models, which `pycocoevalcap` downloads at its first use.
    """
    folder = _folder()
    if folder is None or shutil.which("java") is None:
        return []
    models = list((folder / "spice" / "lib").glob("stanford-corenlp-*-models.jar"))
    return ["METEOR", "SPICE"] if models else ["METEOR"]


def _folder() -> pathlib.Path | None:
    found = importlib.util.find_spec("pycocoevalcap")
    if found is None or not found.submodule_search_locations:
        return None
    return pathlib.Path(list(found.submodule_search_locations)[0])
