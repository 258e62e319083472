from __future__ import annotations

import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Sequence

from mmkeras.data import MODALITIES
from mmkeras.preprocessing import Modality

_FOLDER = "samples"
_TABLE = "samples.json"


def choose_samples(
    samples: Iterable[dict], modalities: Sequence[Modality], number: int
) -> tuple[dict, ...]:
    """The first few valid samples, reduced to what a model takes of them.

    Args:
        samples: iterable of sample dicts, not batched, e.g. a `tf.data.Dataset`.
        modalities: sequence of `Modality`. Samples that lack one of them, or whose
            value cannot be decoded, are skipped.
        number: int, the maximum number of samples.

    Returns:
        tuple of dicts of `Modality.keep`, e.g. a PNG of the model's size, and the
        first question.
    """
    chosen = []
    for sample in samples:
        if len(chosen) == number:
            break
        kept = {m.key: m.keep(sample[m.key]) for m in modalities if m.key in sample}
        if len(kept) == len(modalities) and None not in kept.values():
            chosen.append(kept)
    return tuple(chosen)


def write_samples(
    samples: Iterable[dict],
    preset: str | os.PathLike,
    modalities: Sequence[Modality] = MODALITIES,
) -> None:
    """Writes samples to the folder of a preset, in place of those there.

    Args:
        samples: iterable of dicts, as `choose_samples` makes them.
        preset: path of the folder.
        modalities: sequence of `Modality`.
    """
    folder = pathlib.Path(preset) / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    rows = []
    for number, sample in enumerate(samples):
        row = dict(sample)
        files = [m for m in modalities if m.file_suffix and m.key in sample]
        for place, modality in enumerate(files):
            mark = f"_{modality.key}" if place else ""
            name = f"{number:02}{mark}{modality.file_suffix}"
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(sample[modality.key])
            row[modality.key] = name
        rows.append(row)
    if rows:
        folder.mkdir(exist_ok=True)
        text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
        (folder / _TABLE).write_text(text, "utf-8")


def read_samples(
    preset: str | os.PathLike, modalities: Sequence[Modality] = MODALITIES
) -> tuple[dict, ...]:
    """The samples in the folder of a preset, none if there are none.

    Args:
        preset: path of the folder.
        modalities: sequence of `Modality`.

    Raises:
        ValueError: if the files are corrupted.
    """
    folder = pathlib.Path(preset) / _FOLDER
    if not (folder / _TABLE).is_file():
        return ()
    try:
        rows = json.loads((folder / _TABLE).read_text("utf-8"))
        return tuple(_read(row, folder, modalities) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"The samples in {folder} are corrupted ({error}). Copy the folder again, "
            "remove it, or give your own samples."
        ) from error


def _read(row, folder, modalities) -> dict:
    files = {m.key for m in modalities if m.file_suffix}
    return {
        key: (folder / value).read_bytes() if key in files else value
        for key, value in row.items()
        if value is not None
    }
