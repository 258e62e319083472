import csv
import pathlib

import pytest

from mmkeras.cli.main import main
from mmkeras.models import Task
from tests.conftest import tiny_rows
from tests.eager_steps import eager_steps

ROOT = pathlib.Path(__file__).parents[2]
# Settings of a training of seconds.
TINY = ["--image-size", "32", "--hidden-dim", "16", "--batch-size", "8"]


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> pathlib.Path:
    """A folder of 12 images with the tables `captions.csv` and `questions.csv`."""
    folder = tmp_path_factory.mktemp("photos")
    captions, questions = [["image", "caption"]], [["image", "question", "answer"]]
    for row in tiny_rows(12):
        name = f"{row['image_id']}.png"
        (folder / name).write_bytes(row["image"])
        captions += [[name, caption] for caption in row["captions"]]
        pairs = zip(row["question"], row["answer"], strict=True)
        questions += [[name, *pair] for pair in pairs]
    for name, rows in (("captions", captions), ("questions", questions)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    return folder


@pytest.fixture(scope="module")
def eager():
    """Train without tracing steps."""
    with eager_steps():
        yield


@pytest.fixture(scope="session")
def shipped() -> pathlib.Path:
    """The folder of the shipped presets."""
    return ROOT / "saved_models"


@pytest.fixture
def error_of(capsys):
    """A function that runs a command and returns its error, the last line."""

    def run(*arguments) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        *others, error = capsys.readouterr().err.strip().splitlines()
        assert all(line.startswith("mmkeras: warning: ") for line in others)
        assert error.startswith("mmkeras: error: ")
        return error.removeprefix("mmkeras: error: ")

    return run


@pytest.fixture(scope="session")
def loaded_tasks() -> dict:
    return {}


@pytest.fixture
def loaded_once(loaded_tasks, monkeypatch):
    """Load each preset once for all commands that do not change it."""
    load = Task.from_preset.__func__

    def from_preset(cls, preset, **kwargs):
        key = (cls, str(preset), *kwargs.items())
        if key not in loaded_tasks:
            loaded_tasks[key] = load(cls, preset, **kwargs)
        return loaded_tasks[key]

    monkeypatch.setattr(Task, "from_preset", classmethod(from_preset))
