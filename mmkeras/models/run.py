from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Any

from mmkeras.arguments import check_settings, setting, setting_types

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """The settings of a training run, and its record in a file.

    `mmkeras train` makes a flag of each field, with its help, type, limits and
    default. A subclass adds the settings of its task as fields made with
    `mmkeras.arguments.settings.setting`, whose `role` says where they go: `"data"` to
    `load_data`, `"model"` to `from_data`, `"compile"` to `compile` of the task.

    Args:
        data: string, the training data, as `load_data` accepts them.
        output: string, folder for the preset and the record of the run.
        preset: string, folder of a preset to continue training from, or `None` for a
            new model.
        validation_fraction: float, share of the training data held out where the data
            have no validation split; 0 for no validation.
        limit: int, maximum number of training samples, or `None`.
        epochs: int, number of epochs.
        batch_size: int, number of samples of a step.
        learning_rate: float, peak of the learning-rate schedule, or `None` for the
            task's default.
        patience: int, epochs without a better validation loss before training stops.
        seed: int, random seed.
        on_error: string, `"raise"` an error for an unreadable sample, or `"skip"` it.
        lora_rank: int, rank of the low-rank adapters trained in place of the weights
            of the preset (`Task.enable_lora`), or `None` to train the weights.

    Raises:
        ValueError: if a setting has the wrong type or is out of range, or two settings
            exclude each other.
    """

    data: str = setting(help="training data")
    output: str = setting(help="folder to write the preset to")
    preset: str | None = setting(None, "folder of a preset to continue from")
    validation_fraction: float = setting(
        0.1,
        "share held out for validation where the data have no validation split; 0 for "
        "no validation",
        minimum=0,
        below=1,
    )
    limit: int | None = setting(
        None, "maximum number of training samples (default: all)", minimum=1
    )
    epochs: int = setting(10, "number of epochs", minimum=1)
    batch_size: int = setting(32, "number of samples of a step", minimum=1)
    learning_rate: float | None = setting(
        None,
        "peak of the learning-rate schedule (default: the task's)",
        above=0,
        role="compile",
    )
    patience: int = setting(
        3, "epochs without a better validation loss before training stops", minimum=0
    )
    seed: int = setting(0, "random seed", minimum=0)
    on_error: str = setting(
        "raise", "what to do with unreadable samples", choices=("raise", "skip")
    )
    lora_rank: int | None = setting(
        None, "rank of low-rank adapters to train; needs a preset", minimum=1
    )

    def __post_init__(self):
        check_settings(self)
        self._check_preset()
        self._check_lora()

    @classmethod
    def load_data(
        cls,
        data: str,
        *,
        split: str = "train",
        validation_fraction: float | None = None,
        seed: int = 0,
        **arguments: Any,
    ) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
        """Loads the samples that `data` names.

        A subclass overrides this.

        Args:
            data: string, e.g. a folder or the name of a dataset.
            split: string, the split to load.
            validation_fraction: float, to get training and validation data: those
                that the dataset has, or else this share held out; `None` to get
                `split` alone.
            seed: int, seed of the split.
            **arguments: the fields of role `"data"`.

        Returns:
            An unbatched `tf.data.Dataset` of sample dicts, or a pair of them.
        """
        raise TypeError(f"{cls.__name__} must override `load_data`.")

    def splits(self) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
        """Loads the training and the validation data.

        Returns:
            Two unbatched `tf.data.Dataset` of sample dicts; the second one is `None`
            if `validation_fraction` is 0.
        """
        loaded = self.load_data(
            self.data,
            validation_fraction=self.validation_fraction or None,
            seed=self.seed,
            **self.arguments("data"),
        )
        train, validation = loaded if self.validation_fraction else (loaded, None)
        return train if self.limit is None else train.take(self.limit), validation

    @classmethod
    def names(cls) -> list[str]:
        """The names of all settings."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def fields_of(cls, role: str) -> list[dataclasses.Field]:
        """The fields of a role.

        Args:
            role: string, `"data"`, `"model"` or `"compile"`.
        """
        return [f for f in dataclasses.fields(cls) if f.metadata["role"] == role]

    def arguments(self, role: str) -> dict[str, Any]:
        """The fields of a role, by name.

        Args:
            role: string, `"data"`, `"model"` or `"compile"`.
        """
        return {f.name: getattr(self, f.name) for f in self.fields_of(role)}

    def _check_preset(self) -> None:
        if self.preset is None:
            return
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in self.fields_of("model")
            if getattr(self, field.name) != field.default
        ]
        if changed:
            raise ValueError(
                "A preset brings its model, whose settings cannot be changed. "
                f"Received: preset={self.preset!r}, {', '.join(changed)}."
            )

    def _check_lora(self) -> None:
        if self.lora_rank is not None and self.preset is None:
            raise ValueError(
                "`lora_rank` trains adapters for an existing model: give its `preset`. "
                f"Received: lora_rank={self.lora_rank}, preset=None."
            )

    @classmethod
    def from_yaml(cls, path: str | os.PathLike) -> Run:
        """Reads the record of a run.

        Args:
            path: path of `run.yaml`.

        Raises:
            FileNotFoundError: if the file does not exist.
            ValueError: if it is not the record of a run.
        """
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"The file {path} does not exist.")
        # The command runs LiteRT files without the packages for training.
        import yaml

        try:
            config = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(config, dict):
            raise ValueError(f"{path} is not the record of a run.")
        config.pop("versions", None)
        known = setting_types(cls)
        unknown = sorted(map(str, set(config) - set(known)))
        if unknown:
            raise ValueError(
                f"{path} has unknown settings: {', '.join(unknown)}. The known ones "
                f"are: {', '.join(sorted(known))}."
            )
        missing = sorted({"data", "output"} - set(config))
        if missing:
            raise ValueError(f"{path} lacks {' and '.join(missing)}.")
        try:
            return cls(
                **{name: _number(v, known[name][0]) for name, v in config.items()}
            )
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def to_yaml(self, path: str | os.PathLike, versions: dict[str, str]) -> None:
        """Writes the record of the run, which `from_yaml` reads.

        Args:
            path: path of the file.
            versions: dict of package versions, for the record only.
        """
        import yaml

        config = {**dataclasses.asdict(self), "versions": versions}
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        pathlib.Path(path).write_text(text, "utf-8")


def _number(value, kind):
    # YAML 1.1 reads 1e-3, which has no decimal point, as a string.
    if kind is not float or not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value
