"""Runs the Python code and the commands of the README and of pages of the docs.

The code of a section runs in order, in one namespace and one folder.
"""

import csv
import pathlib
import re
import shlex

import pytest
import tensorflow as tf

import mmkeras
from mmkeras.cli.main import main
from tests.eager_steps import eager_steps

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/captioning.md", "docs/command_line.md", "docs/visual_qa.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Enough to learn from in the tests.
SAMPLES = 16


def sections(page: str) -> dict[str, list[tuple[str, str]]]:
    """The blocks of each section that has code or commands, as (language, text)."""
    title, *parts = re.split(r"^## ", (ROOT / page).read_text("utf-8"), flags=re.M)
    found = {}
    for part in parts:
        blocks = [
            (language, text)
            for language, text in BLOCK.findall(part)
            if language == "python" or commands(text)
        ]
        if blocks:
            found[part.partition("\n")[0]] = blocks
    return found


def commands(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("mmkeras ")]
    return [shlex.split(line)[1:] for line in lines]


SECTIONS = [
    pytest.param(blocks, id=f"{page}: {name}")
    for page in PAGES
    for name, blocks in sections(page).items()
]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> pathlib.Path:
    """A clone of the repository beside a reader's own images."""
    for name in ("saved_models", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    photos = tmp_path / "photos"
    photos.mkdir()
    captions, questions = [["image", "caption"]], [["image", "question", "answer"]]
    for index, stem in enumerate(["beach", *map(str, range(9))]):
        name = f"{stem}.jpg"
        pixels = tf.fill([48, 64, 3], tf.cast(index * 25, tf.uint8))
        (photos / name).write_bytes(tf.io.encode_jpeg(pixels).numpy())
        captions += [[name, f"an image of {index}"], [name, f"第{index}张图"]]
        questions += [[name, "what is on the beach?", f"thing {index}"]]
        questions += [[name, "is there sand?", "yes"]]
    for name, rows in (("captions", captions), ("questions", questions)):
        with (photos / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def few_samples(monkeypatch):
    """Cut datasets shorter than the documents do."""
    take = tf.data.Dataset.take
    monkeypatch.setattr(
        tf.data.Dataset, "take", lambda self, n: take(self, min(n, SAMPLES))
    )


def provided(code: str) -> dict:
    """The names that a section takes over from the sections before it."""

    def captioner():
        return mmkeras.models.ImageCaptioner.from_preset(
            "saved_models/emoji_scenes_captioner"
        )

    def train():
        return mmkeras.data.load("emoji_scenes/small", split="train").take(SAMPLES)

    def test():
        return mmkeras.data.load("emoji_scenes/small", split="test").take(SAMPLES)

    names = {}
    for make in (captioner, train, test):
        # Where the name occurs first, and whether it is assigned there.
        first = re.search(rf"^.*\b{make.__name__}\b.*$", code, re.MULTILINE)
        assigned = rf"^[\w, ]*\b{make.__name__}\b[\w, ]* = "
        if first and not re.match(assigned, first[0]):
            names[make.__name__] = make()
    return {"mmkeras": mmkeras, **names}


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("blocks", SECTIONS)
def test_section(blocks, folder, capsys):
    names = provided("\n".join(text for kind, text in blocks if kind == "python"))
    with eager_steps():
        for kind, text in blocks:
            if kind == "python":
                exec(compile(text, "section", "exec"), names)
                continue
            for arguments in commands(text):
                assert main(arguments) == 0, (arguments, capsys.readouterr().err)
    served = names.get("outputs")
    if served is not None:
        assert served["caption"].numpy()[0] and not served["error"].numpy()[0]


def test_the_sections_of_the_readme_are_found():
    assert [section.id for section in SECTIONS if "README" in section.id] == [
        "README.md: Caption images",
        "README.md: Answer questions",
        "README.md: Your own images",
        "README.md: A server",
        "README.md: A phone",
    ]


def test_the_make_commands_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    text = (ROOT / "README.md").read_text("utf-8")
    named = re.findall(r"^make (\w+)", text, re.M)
    assert named == ["demo", "test"] and set(named) <= set(targets)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_images_exist(page):
    text = (ROOT / page).read_text("utf-8")
    paths = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert paths and all((ROOT / path).is_file() for path in paths)
