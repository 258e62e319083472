from __future__ import annotations

import dataclasses
import os
import pathlib
import typing

import yaml


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything that decides what a training makes, and its record in a file.

    A subclass is a frozen dataclass whose fields are the settings, `data` and `output`
    among them, and whose `_check` calls those of the base for what they have in
    common.
    """

    # The least that whole numbers may be, by their names.
    at_least: typing.ClassVar[dict[str, int]] = {}
    # Settings that a model brings from its preset.
    of_a_new_model: typing.ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self):
        for name, hint in self._hints().items():
            _check_type(name, getattr(self, name), hint)
        for name, least in self.at_least.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {name}={value}."
                )
        self._check()

    @classmethod
    def _hints(cls) -> dict:
        hints = typing.get_type_hints(cls)
        return {field.name: hints[field.name] for field in dataclasses.fields(cls)}

    def _check(self) -> None:
        """Refuses settings that are out of range or do not go together."""

    def _check_shares(self, *names: str) -> None:
        for name in names:
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 0 and less than 1. Received: "
                    f"{name}={getattr(self, name)}."
                )

    def _check_positive(self, *names: str) -> None:
        for name in names:
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"`{name}` must be greater than 0. Received: "
                    f"{name}={getattr(self, name)}."
                )

    def _check_choice(self, name: str, *choices: str) -> None:
        if getattr(self, name) not in choices:
            raise ValueError(
                f"`{name}` must be {' or '.join(map(repr, choices))}. Received: "
                f"{name}={getattr(self, name)!r}."
            )

    def _check_preset(self) -> None:
        if self.preset is None:
            return
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
            if field.name in self.of_a_new_model
            and getattr(self, field.name) != field.default
        ]
        if changed:
            raise ValueError(
                "The model is the preset's, so that its settings cannot be changed. "
                f"Received: preset={self.preset!r}, {', '.join(changed)}."
            )

    def _check_lora(self, **beside) -> None:
        """Refuses adapters without a preset, or beside what they would freeze."""
        if self.lora_rank is None:
            return
        if self.preset is None:
            raise ValueError(
                "`lora_rank` trains adapters for a model that there is. Give its "
                f"`preset`. Received: lora_rank={self.lora_rank}, preset=None."
            )
        for name, off in beside.items():
            if getattr(self, name) != off:
                raise ValueError(
                    f"`lora_rank` freezes what `{name}` is about. Give one of the two. "
                    f"Received: lora_rank={self.lora_rank}, "
                    f"{name}={getattr(self, name)!r}."
                )

    @classmethod
    def from_yaml(cls, path: str | os.PathLike) -> Run:
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
        hints = cls._hints()
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
