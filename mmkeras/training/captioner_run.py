from __future__ import annotations

import dataclasses
import os
import pathlib

import yaml


@dataclasses.dataclass
class CaptionerRun:
    """Everything that decides what a training of a captioner makes.

    Args:
        data: string: a folder (`mmkeras.data.from_folder`), `"coco:FILE.json"`, or
            the name of a dataset in TFDS.
        output: string, folder for the preset and the record of the run.
        captions: string, table of captions of a folder, or `None`.
        images: string, folder of the pictures of a COCO file, or `None`.
        image_encoder: string, as `ImageCaptioner.from_data` takes it.
        image_size: int, or `None` for the encoder's own.
        trainable_encoder: bool, or `None` for the encoder's own.
        vocabulary_size: int.
        sequence_length: int.
        hidden_dim: int.
        num_layers: int.
        dropout: float.
        validation_fraction: float, share of the training data held out where
            the data have no validation split; 0 for none.
        limit: int, the most training samples used, or `None`.
        epochs: int.
        batch_size: int.
        learning_rate: float.
        patience: int, epochs without a better validation loss before it stops.
        seed: int.
    """

    data: str
    output: str
    captions: str | None = None
    images: str | None = None
    image_encoder: str = "small_cnn"
    image_size: int | None = None
    trainable_encoder: bool | None = None
    vocabulary_size: int = 8000
    sequence_length: int = 40
    hidden_dim: int = 128
    num_layers: int = 2
    dropout: float = 0.1
    validation_fraction: float = 0.1
    limit: int | None = None
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-3
    patience: int = 3
    seed: int = 0

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
        except yaml.YAMLError as error:
            raise ValueError(f"{path} is not YAML: {error}") from error
        if not isinstance(config, dict):
            raise ValueError(f"{path} is not the record of a run.")
        config.pop("versions", None)
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(config) - known)
        if unknown:
            raise ValueError(
                f"{path} has settings that there are not: {', '.join(unknown)}. There "
                f"are: {', '.join(sorted(known))}."
            )
        missing = sorted({"data", "output"} - set(config))
        if missing:
            raise ValueError(f"{path} does not say {' and '.join(missing)}.")
        return cls(**config)

    def to_yaml(self, path: str | os.PathLike, versions: dict[str, str]) -> None:
        """Writes the run so that `from_yaml` reads it.

        Args:
            path: path of the file.
            versions: dict of package versions, for the record only.
        """
        config = {**dataclasses.asdict(self), "versions": versions}
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        pathlib.Path(path).write_text(text, "utf-8")
