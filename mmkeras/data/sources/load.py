from __future__ import annotations

import difflib
import importlib
import os
import re

import tensorflow as tf

# Keys of TFDS, and those of samples.
_TO_SAMPLE = {
    "image/id": "image_id",
    "filename": "image_id",
    "file_name": "image_id",
}


class DatasetNotFoundError(ValueError):
    """TFDS has no dataset of a name."""


def load(
    name: str,
    split: str | tuple[str, ...] = "train",
    data_dir: str | None = None,
    manual_dir: str | None = None,
) -> tf.data.Dataset | tuple[tf.data.Dataset, ...]:
    """Loads a dataset by its name in TensorFlow Datasets, those of mmkeras included.

    Those of mmkeras (e.g. `emoji_scenes/small`) are generated on first use and kept in
    `~/tensorflow_datasets` or `data_dir`, as TFDS does. Some (e.g. `emoji_styles`) are
    made of packages that are unpacked by hand into `manual_dir`; once the dataset is
    made, they are no longer needed.

    Args:
        name: string, e.g. `"emoji_scenes/small_zh"` or `"coco_captions"`.
        split: string or tuple of strings, in the syntax of TFDS: `"train[:90%]"`.
        data_dir: string, the data folder of TFDS, or `None` for its default.
        manual_dir: string, the folder of files that must be downloaded by hand, or
            `None` for the default of TFDS, `downloads/manual` in its data folder.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts, or a tuple of them. `image`
        is encoded bytes. `image_id`, `captions`, `question` and `answer` have these
        names where TFDS has other names for them (COCO, CLEVR).

    Raises:
        ValueError: if TFDS has no such dataset or split, or needs files that it
            cannot download itself; the message says where to get them.
        FileNotFoundError: if `manual_dir` or a part of it does not exist.
        ConnectionError: if the dataset has to be downloaded and cannot be.
    """
    import tensorflow_datasets as tfds

    # Importing the builders registers them with TFDS.
    importlib.import_module("mmkeras.datasets")
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.registered.DatasetNotFoundError as error:
        base = name.split("/")[0]
        near = difflib.get_close_matches(base, tfds.list_builders(), 3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise DatasetNotFoundError(f"TFDS has no dataset {name!r}.{hint}") from error
    except ValueError as error:
        raise ValueError(_wrong_name(tfds, name)) from error
    except AssertionError as error:
        raise ValueError(f"TFDS cannot give {name!r}: {error}") from error
    except Exception as error:
        # Names of other hubs ("huggingface:coco") fail each in their own way.
        if not re.match(r"\w+:[A-Za-z]", name):
            raise
        hub = name.partition(":")[0]
        raise ConnectionError(
            f"{name!r} comes from the hub {hub!r}, which cannot be reached: {error}. "
            "Connect to the internet, or give a dataset that is on this machine."
        ) from error
    _prepare(tfds, builder, name, manual_dir)
    names = (split,) if isinstance(split, str) else tuple(split)
    datasets = tuple(_read(tfds, builder, name, part) for part in names)
    return datasets[0] if isinstance(split, str) else datasets


def _wrong_name(tfds, name) -> str:
    base = name.split("/")[0].split(":")[0]
    if base not in tfds.list_builders():
        return (
            f"{name!r} is not the name of a dataset. Write it as TFDS does: 'name', "
            "'name/variant' or 'name/variant:1.0.0'."
        )
    variants = ", ".join(sorted(tfds.builder_cls(base).builder_configs))
    return f"{name!r} is not a variant; there are: {variants or 'none'}."


def _prepare(tfds, builder, name, manual_dir) -> None:
    ours = type(builder).__module__.startswith("mmkeras.")
    if manual_dir is not None:
        manual_dir = os.path.expanduser(manual_dir)
        if not os.path.isdir(manual_dir):
            raise FileNotFoundError(f"There is no folder manual_dir={manual_dir!r}.")
    config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    try:
        builder.download_and_prepare(download_config=config)
    except OSError as error:
        if ours:
            raise
        raise ConnectionError(
            f"{name!r} has to be downloaded, and that failed: {error}. Connect to the "
            f"internet once, or copy a prepared dataset to {builder.data_dir}."
        ) from error
    except AssertionError as error:
        # Some datasets may not be downloaded by a program; the error says how.
        raise ValueError(f"{name!r} cannot be prepared: {error}") from error


def _read(tfds, builder, name, split) -> tf.data.Dataset:
    decoders = {}
    features = dict(builder.info.features)
    if isinstance(features.get("image"), tfds.features.Image):
        decoders["image"] = tfds.decode.SkipDecoding()
    try:
        dataset = builder.as_dataset(split=split, decoders=decoders)
    except ValueError as error:
        splits = ", ".join(builder.info.splits)
        raise ValueError(
            f"{name!r} has no split {split!r}; it has {splits}. ({error})"
        ) from error
    return dataset.map(_to_sample, num_parallel_calls=tf.data.AUTOTUNE)


def _to_sample(features: dict) -> dict:
    sample = {_TO_SAMPLE.get(key, key): value for key, value in features.items()}
    captions = sample.get("captions")
    # COCO in TFDS: a sequence of {"id", "text"}.
    if isinstance(captions, dict) and "text" in captions:
        sample["captions"] = captions["text"]
    # CLEVR in TFDS: a sequence of {"question", "answer"}.
    if isinstance(sample.get("question_answer"), dict):
        sample |= sample.pop("question_answer")
    if "image_id" in sample and sample["image_id"].dtype != tf.string:
        sample["image_id"] = tf.strings.as_string(sample["image_id"])
    return sample
