from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import pathlib
import re
import shutil
import warnings
from collections.abc import Sequence

import keras
import tensorflow as tf

import mmkeras
from mmkeras.data import caption_texts, from_folder, load
from mmkeras.models import ImageCaptioner
from mmkeras.training.captioner_run import CaptionerRun
from mmkeras.training.load_annotated import load_annotated

_VOCABULARY = "vocabulary.txt"
_PACKAGES = ("tensorflow", "keras", "keras-hub", "tensorflow-text")
# What `data` may begin with: the forms of annotation files that name their pictures.
_ANNOTATED = ("coco", "karpathy", "flickr", "conceptual")
# name, name/variant, name/variant:1.0.0
_TFDS_NAME = re.compile(r"[A-Za-z]\w*(:\w+)?(/[\w.=,-]+)?(:[\d.*]+)?")


def train_captioner(
    run: CaptionerRun,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    overwrite: bool = False,
    verbose: int | str = "auto",
) -> ImageCaptioner:
    """Trains a captioner and writes it with the record of how it was made.

    The output folder is a preset, with `run.yaml` (the whole configuration) and
    `history.json` (each epoch's figures). A run that was interrupted goes on
    after its last whole epoch when it is started again with the same settings;
    the best epoch is then the best of those since.

    Args:
        run: a `CaptionerRun`.
        callbacks: Keras callbacks, e.g. to show progress.
        overwrite: bool, whether to write to a folder that has files, and to start
            anew where a run was interrupted.
        verbose: as in `keras.Model.fit`.

    Returns:
        The trained `ImageCaptioner`, with the weights of its best epoch where
        there are validation data.

    Raises:
        FileExistsError: if the output folder has files and `overwrite` is
            `False`.
        FileNotFoundError: if the data are not there.
        ValueError: if the data or a setting are not usable, or other settings
            were given to a run that was interrupted.
    """
    output = pathlib.Path(run.output)
    resumed = _check_output(run, output, overwrite)
    keras.utils.set_random_seed(run.seed)
    train, validation = load_splits(run)
    captioner = _new(run, train) if run.preset is None else _continued(run, train)
    if run.unfreeze_layers is not None:
        captioner.backbone.image_encoder.unfreeze(run.unfreeze_layers)
    slower = run.encoder_rate != 1
    captioner.compile(
        learning_rate=run.learning_rate,
        captions_per_image=run.captions_per_image,
        learning_rate_factors={"image_encoder": run.encoder_rate} if slower else None,
    )
    _start_record(run, output, resumed, captioner.preprocessor.tokenizer)
    recipe = _callbacks(run, output, validation is not None)
    captioner.fit(
        train,
        validation_data=validation,
        batch_size=run.batch_size,
        epochs=run.epochs,
        seed=run.seed,
        on_error=run.on_error,
        feature_cache="auto" if run.feature_cache is None else run.feature_cache,
        callbacks=[*callbacks, *recipe],
        verbose=verbose,
    )
    captioner.save_to_preset(output)
    return captioner


def _new(run, train) -> ImageCaptioner:
    return ImageCaptioner.from_data(
        train,
        image_encoder=run.image_encoder,
        image_size=run.image_size,
        trainable_encoder=run.trainable_encoder,
        vocabulary_size=run.vocabulary_size,
        sequence_length=run.sequence_length,
        long_captions=run.long_captions,
        hidden_dim=run.hidden_dim,
        num_layers=run.num_layers,
        dropout=run.dropout,
        seed=run.seed,
    )


def _continued(run, train) -> ImageCaptioner:
    captioner = ImageCaptioner.from_preset(run.preset)
    tokenizer = captioner.preprocessor.tokenizer
    unknown = total = 0
    for text in caption_texts(train):
        ids = tokenizer.tokenize([text]).flat_values.numpy()
        unknown += int((ids == tokenizer.unk_token_id).sum())
        total += len(ids)
    if unknown:
        warnings.warn(
            f"{unknown} of the {total} words of the captions are not in the vocabulary "
            f"of {run.preset}, and will not be learned.",
            stacklevel=3,
        )
    return captioner


def load_splits(
    run: CaptionerRun,
) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """The training and validation data of a run.

    Args:
        run: a `CaptionerRun`.

    Returns:
        Two unbatched datasets of samples with no picture in both; the second is
        `None` if `run.validation_fraction` is 0.
    """
    if not run.validation_fraction:
        train, validation = load_samples(run.data, run.captions, run.images), None
    else:
        train, validation = _held_out(run)
    return train if run.limit is None else train.take(run.limit), validation


def load_samples(
    data: str,
    captions: str | None = None,
    images: str | None = None,
    split: str = "train",
) -> tf.data.Dataset:
    """The samples that a data specification names.

    Args:
        data: string: a folder, an annotation file (`"coco:FILE.json"`,
            `"karpathy:FILE.json"`, `"flickr:FILE"`, `"conceptual:FILE.tsv"`), or a
            name in TFDS.
        captions: string, table of captions of a folder, or `None`.
        images: string, folder of the pictures of an annotation file, or `None`.
        split: string, of a dataset in TFDS, `karpathy:` or `flickr:`.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts.

    Raises:
        FileNotFoundError: if there is no such folder or file.
        ValueError: if `captions` or `images` do not go with the kind of data.
    """
    kind = _kind(data, captions, images)
    if kind in _ANNOTATED:
        return load_annotated(data, images, split)
    if kind == "folder":
        return from_folder(data, captions)
    return _load(data, split)


def _load(name, split="train"):
    try:
        return load(name, split=split)
    except ValueError as error:
        cause = error.__cause__ or error
        if type(cause).__name__ != "DatasetNotFoundError":
            raise
        raise ValueError(
            f"There is no folder {name}, and no dataset of that name in TFDS. Give a "
            "folder of pictures, coco:FILE.json, or a name that TFDS has."
        ) from error


def _kind(data, captions, images) -> str:
    prefix, colon, _ = data.partition(":")
    if colon and prefix in _ANNOTATED:
        kind = prefix
    elif pathlib.Path(data).is_dir():
        kind = "folder"
    elif _TFDS_NAME.fullmatch(data):
        kind = "tfds"
    else:
        raise FileNotFoundError(
            f"There is no folder {data}. Give a folder of pictures, coco:FILE.json, "
            "or the name of a dataset in TFDS."
        )
    if kind in _ANNOTATED and not images:
        raise ValueError(f"{data} needs the folder of its pictures: images (--images).")
    if kind not in _ANNOTATED and images:
        raise ValueError(
            f"images={images!r} goes with coco:FILE.json and its like, not {data!r}."
        )
    if kind != "folder" and captions:
        raise ValueError(f"captions={captions!r} goes with a folder, not {data!r}.")
    return kind


def _held_out(run) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    fraction = run.validation_fraction
    kind = _kind(run.data, run.captions, run.images)
    if kind == "folder":
        return from_folder(
            run.data, run.captions, validation_fraction=fraction, seed=run.seed
        )
    if kind in _ANNOTATED:
        return load_annotated(
            run.data, run.images, validation_fraction=fraction, seed=run.seed
        )
    import tensorflow_datasets as tfds

    train = _load(run.data)
    if "validation" in tfds.builder(run.data).info.splits:
        return train, load(run.data, split="validation")
    percent = min(99, max(1, round(100 * fraction)))
    return load(run.data, split=(f"train[{percent}%:]", f"train[:{percent}%]"))


def _check_output(run, output, overwrite) -> bool:
    """Whether the run goes on from where it was interrupted."""
    if overwrite or not output.exists():
        return False
    if not output.is_dir():
        raise FileExistsError(f"{output} is a file. Choose another output folder.")
    if (output / ".backup").is_dir() and (output / "run.yaml").is_file():
        _check_same(run, output)
        return True
    if any(output.iterdir()):
        raise FileExistsError(
            f"{output} is not empty. Choose another output, or add --overwrite "
            "(overwrite=True)."
        )
    return False


def _check_same(run, output) -> None:
    before = dataclasses.asdict(CaptionerRun.from_yaml(output / "run.yaml"))
    now = dataclasses.asdict(run)
    changed = [
        f"{name} ({before[name]!r}, now {now[name]!r})"
        for name in now
        if name != "output" and before[name] != now[name]
    ]
    if changed:
        raise ValueError(
            f"{output} holds an interrupted run with other settings: "
            f"{', '.join(changed)}. Give the same to go on with it, or add "
            "--overwrite (overwrite=True) to start anew."
        )


def _start_record(run, output, resumed, tokenizer) -> None:
    backup = output / ".backup"
    vocabulary = "\n".join(tokenizer.get_vocabulary())
    if resumed:
        _check_vocabulary(backup / _VOCABULARY, vocabulary)
    else:
        shutil.rmtree(backup, ignore_errors=True)
        (output / "history.json").unlink(missing_ok=True)
    # The empty backup marks a run that was interrupted in its first epoch.
    backup.mkdir(parents=True, exist_ok=True)
    (backup / _VOCABULARY).write_text(vocabulary, "utf-8")
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    run.to_yaml(output / "run.yaml", {"mmkeras": mmkeras.__version__, **versions})


def _check_vocabulary(path, vocabulary) -> None:
    # What was trained so far belongs to the tokens that it was trained with.
    if path.is_file() and path.read_text("utf-8") != vocabulary:
        raise ValueError(
            f"{path.parents[1]} holds an interrupted run on other captions: their "
            "vocabulary has changed since. Put the captions back as they were to go on "
            "with it, or add --overwrite (overwrite=True) to start anew."
        )


def _callbacks(run, output, validated) -> list[keras.callbacks.Callback]:
    # The history is written before the backup, and cut to the epochs the backup
    # has when a run goes on, so that no epoch is missing or stands twice.
    callbacks = [
        _HistoryFile(output / "history.json"),
        keras.callbacks.BackupAndRestore(str(output / ".backup")),
    ]
    if validated:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=run.patience, restore_best_weights=True
            )
        )
    return callbacks


class _HistoryFile(keras.callbacks.Callback):
    def __init__(self, path):
        super().__init__()
        self._path = path
        self._columns = {}

    def on_train_begin(self, logs=None):
        if self._path.is_file():
            self._columns = json.loads(self._path.read_text("utf-8"))

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            column = self._columns.get(name, [])[:epoch]
            self._columns[name] = [*column, float(value)]
        self._path.write_text(json.dumps(self._columns, indent=2) + "\n", "utf-8")
