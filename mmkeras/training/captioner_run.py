from __future__ import annotations

import dataclasses
import os
import pathlib
import typing

import yaml

_AT_LEAST = {
    "image_size": 1,
    "vocabulary_size": 1,
    "sequence_length": 1,
    "hidden_dim": 1,
    "num_layers": 1,
    "limit": 1,
    "epochs": 1,
    "batch_size": 1,
    "captions_per_image": 1,
    "patience": 0,
    "seed": 0,
}

_OF_A_NEW_MODEL = {
    "image_encoder",
    "image_size",
    "trainable_encoder",
    "vocabulary_size",
    "sequence_length",
    "long_captions",
    "hidden_dim",
    "num_layers",
    "dropout",
}


@dataclasses.dataclass(frozen=True)
class CaptionerRun:
    """Everything that decides what a training of a captioner makes.

    Args:
        data: string: a folder (`mmkeras.data.from_folder`); an annotation file
            that names its pictures, `"coco:FILE.json"`, `"karpathy:FILE.json"`,
            `"flickr:FILE"` or `"conceptual:FILE.tsv"` (`mmkeras.data.from_coco` and
            so on); or the name of a dataset in TFDS.
        output: string, folder for the preset and the record of the run.
        preset: string, folder of a preset to go on from with its model and its
            vocabulary, or `None` for a new captioner.
        captions: string, table of captions of a folder, or `None`.
        images: string, folder of the pictures of an annotation file, or `None`.
        image_encoder: string, as `ImageCaptioner.from_data` takes it.
        image_size: int, or `None` for the encoder's own.
        trainable_encoder: bool, or `None` for the encoder's own.
        unfreeze_layers: int, how many of the image encoder's last layers are trained
            (`ImageEncoder.unfreeze`), or `None` to leave them as they are.
        encoder_rate: float, by which the learning rate of the image encoder is
            multiplied.
        vocabulary_size: int.
        sequence_length: int.
        long_captions: string, `"error"` or `"cut"`.
        hidden_dim: int.
        num_layers: int.
        dropout: float.
        feature_cache: string, folder to keep the features of a frozen image
            encoder in (`ImageCaptioner.cache_features`), or `None` to keep them for
            the time of the training where `fit` can.
        validation_fraction: float, share of the training data held out where
            the data have no validation split; 0 for no validation at all.
        limit: int, the most training samples used, or `None`.
        epochs: int.
        batch_size: int, pictures a step.
        captions_per_image: int, captions of each picture that a step learns from
            (`ImageCaptioner.compile`).
        learning_rate: float.
        patience: int, epochs without a better validation loss before it stops.
        seed: int.
        on_error: string, what to do with a picture that cannot be read: `"raise"`
            or `"skip"`.

    Raises:
        ValueError: if a setting is of the wrong type or out of range.
    """

    data: str
    output: str
    preset: str | None = None
    captions: str | None = None
    images: str | None = None
    image_encoder: str = "small_cnn"
    image_size: int | None = None
    trainable_encoder: bool | None = None
    unfreeze_layers: int | None = None
    encoder_rate: float = 1.0
    vocabulary_size: int = 8000
    sequence_length: int = 40
    long_captions: str = "error"
    hidden_dim: int = 128
    num_layers: int = 2
    dropout: float = 0.1
    feature_cache: str | None = None
    validation_fraction: float = 0.1
    limit: int | None = None
    epochs: int = 10
    batch_size: int = 32
    captions_per_image: int = 1
    learning_rate: float = 3e-3
    patience: int = 3
    seed: int = 0
    on_error: str = "raise"

    def __post_init__(self):
        for name, hint in typing.get_type_hints(type(self)).items():
            _check_type(name, getattr(self, name), hint)
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {name}={value}."
                )
        for name in ("dropout", "validation_fraction"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 0 and less than 1. Received: "
                    f"{name}={getattr(self, name)}."
                )
        if self.on_error not in ("raise", "skip"):
            raise ValueError(
                "`on_error` must be 'raise' or 'skip'. Received: "
                f"on_error={self.on_error!r}."
            )
        for name in ("learning_rate", "encoder_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"`{name}` must be greater than 0. Received: "
                    f"{name}={getattr(self, name)}."
                )
        self._check_preset()

    def _check_preset(self) -> None:
        if self.preset is None:
            return
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
            if field.name in _OF_A_NEW_MODEL
            and getattr(self, field.name) != field.default
        ]
        if changed:
            raise ValueError(
                "The model is the preset's, so that its settings cannot be changed. "
                f"Received: preset={self.preset!r}, {', '.join(changed)}."
            )

    @classmethod
    def from_yaml(cls, path: str | os.PathLike) -> CaptionerRun:
        """Reads a run that was written before.

        Args:
            path: path of `run.yaml`.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is not the record of a run.
        """
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        try:
            config = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not YAML: {error}") from error
        if not isinstance(config, dict):
            raise ValueError(f"{path} is not the record of a run.")
        config.pop("versions", None)
        hints = typing.get_type_hints(cls)
        unknown = sorted(map(str, set(config) - set(hints)))
        if unknown:
            raise ValueError(
                f"{path} has settings that there are not: {', '.join(unknown)}. There "
                f"are: {', '.join(sorted(hints))}."
            )
        missing = sorted({"data", "output"} - set(config))
        if missing:
            raise ValueError(f"{path} does not say {' and '.join(missing)}.")
        try:
            return cls(**{k: _number(v, hints[k]) for k, v in config.items()})
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def to_yaml(self, path: str | os.PathLike, versions: dict[str, str]) -> None:
        """Writes the run so that `from_yaml` reads it.

        Args:
            path: path of the file.
            versions: dict of package versions, for the record only.
        """
        config = {**dataclasses.asdict(self), "versions": versions}
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        pathlib.Path(path).write_text(text, "utf-8")


def _number(value, hint):
    # YAML 1.1 reads 1e-3, which has no point, as a string.
    if hint is not float or not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _check_type(name, value, hint) -> None:
    allowed = typing.get_args(hint) or (hint,)
    # A bool is an int to Python, an int is as good as a float to us.
    kinds = (*allowed, int) if float in allowed else allowed
    if type(value) in kinds:
        return
    names = " or ".join(kind.__name__.replace("NoneType", "null") for kind in allowed)
    raise ValueError(f"`{name}` must be {names}. Received: {name}={value!r}.")
