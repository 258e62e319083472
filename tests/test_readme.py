"""Everything that the README tells a reader to type is typed here."""

import csv
import pathlib
import re
import shlex

import pytest
import tensorflow as tf

from mmkeras.cli.main import main

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    return [code for name, code in BLOCK.findall(text) if name == language]


def commands() -> list[list[str]]:
    lines = [line for code in blocks("") for line in code.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("mmkeras ")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that has what the repository has, and a reader's photographs."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("saved_models", "docs"):
        (folder / name).symlink_to(ROOT / name)
    photos = folder / "photos"
    photos.mkdir()
    with (photos / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "caption"])
        for index, name in enumerate(["beach", *map(str, range(9))]):
            pixels = tf.fill([48, 64, 3], tf.cast(index * 25, tf.uint8))
            (photos / f"{name}.jpg").write_bytes(tf.io.encode_jpeg(pixels).numpy())
            table.writerow([f"{name}.jpg", f"a picture of {index}"])
            table.writerow([f"{name}.jpg", f"第{index}张图"])
    with (photos / "questions.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "question", "answer"])
        for index, name in enumerate(["beach", *map(str, range(9))]):
            table.writerow([f"{name}.jpg", "what is on the beach?", f"thing {index}"])
            table.writerow([f"{name}.jpg", "is there sand?", "yes"])
    return folder


def test_python(place, monkeypatch):
    monkeypatch.chdir(place)
    names = {}
    for code in blocks("python"):
        exec(compile(code, "README.md", "exec"), names)
    assert names["answer"]["caption"].numpy()[0]
    assert not names["answer"]["error"].numpy()[0]
    assert (place / "my_scenes" / "model.weights.h5").is_file()


def test_commands(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert len(commands()) >= 6
    for arguments in commands():
        assert main(arguments) == 0, (arguments, capsys.readouterr().err)
    assert (place / "export" / "captioner" / "1" / "saved_model.pb").is_file()


def test_the_two_make_commands_are_there():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    named = re.findall(r"^make (\w+)", "\n".join(blocks("")), re.M)
    assert named == ["demo", "test"] and set(named) <= set(targets)


def test_pictures_are_there():
    text = (ROOT / "README.md").read_text("utf-8")
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert (ROOT / path).is_file(), path
