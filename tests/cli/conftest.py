import csv
import pathlib

import pytest
import tensorflow as tf

from mmkeras.cli.main import main
from tests.conftest import tiny_rows

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
    """Run steps without tracing, which takes longer than the few steps of a test."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def shipped() -> pathlib.Path:
    """The folder of the shipped presets."""
    return ROOT / "saved_models"


@pytest.fixture
def error_of(capsys):
    """A function that runs a command and returns its error, a single line."""

    def run(*arguments) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("mmkeras: error: ")
        return lines[0].removeprefix("mmkeras: error: ")

    return run
