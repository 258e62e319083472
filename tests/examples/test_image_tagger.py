"""The image tagger, a task outside of the package, installed as a plugin."""

import ast
import base64
import contextlib
import importlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import httpx
import pytest
from PIL import Image, ImageOps

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "image_tagger"
COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 60, 220)}


def python(arguments, site=None, **kwargs):
    """Runs Python with the repository, and with the plugin if `site` is given."""
    paths = [str(ROOT), *([] if site is None else [str(site)])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        cwd=None if site is None else site.parent,
        text=True,
        capture_output=True,
        **kwargs,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the plugin, installed without the network."""
    folder = tmp_path_factory.mktemp("plugin")
    # pip builds in the folder of the source.
    shutil.copytree(EXAMPLE, folder / "source")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    offline = ["--no-index", "--target", folder / "site", folder / "source"]
    done = python([*install, *offline])
    assert done.returncode == 0, done.stderr
    return folder / "site"


def draw(folder, number, seed):
    """Plain images with the tag of their colour, those with a frame with `framed`."""
    folder.mkdir()
    chosen, rows = random.Random(seed), ["image,tags"]
    for index in range(number):
        colour, framed = chosen.choice(list(COLOURS)), chosen.random() < 0.5
        image = Image.new("RGB", (48, 40), COLOURS[colour])
        if framed:
            image = ImageOps.expand(image.resize((24, 20)), (12, 10), "white")
        image.save(folder / f"{index}.png")
        rows.append(f"{index}.png,{colour}{'; framed' if framed else ''}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return [row.split(",")[1].split("; ") for row in rows[1:]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    draw(folder / "photos", 72, seed=0)
    (folder / "photos" / "3.png").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def tags(folder):
    """The tags of the images of the test data."""
    return draw(folder / "test", 24, seed=1)


@pytest.fixture(scope="module")
def outcome(site, folder, tags):
    """What came of one training and all commands."""
    done = python([ROOT / "tests" / "examples" / "drive_tagger.py", folder], site)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "outcome.json").read_text())


def test_size_and_public_api():
    files = sorted((EXAMPLE / "image_tagger").glob("*.py"))
    assert sum(len(file.read_text().splitlines()) for file in files) <= 200
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("mmkeras"):
                public = importlib.import_module(node.module).__all__
                assert {name.name for name in node.names} <= set(public)


@pytest.mark.fast
def test_help_needs_no_tensorflow(site):
    code = (
        "import sys; from mmkeras.cli.main import main\n"
        "try: main(['train', 'tagger', '--help'])\n"
        "except SystemExit: print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = python(["-c", code], site, check=True)
    assert "--labels TEXT" in done.stdout and "--hidden-dim N" in done.stdout
    assert "coco:FILE" not in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_training(outcome, folder):
    assert outcome["replicas"] == 2
    history = json.loads((folder / "preset" / "history.json").read_text())
    assert len(history["loss"]) == 6 and history["loss"][-1] < history["loss"][0] / 2
    skipped = zip(history["skipped_images"], history["val_skipped_images"], strict=True)
    assert [sum(pair) for pair in skipped] == [1] * 6
    # Features of the training and of the validation data.
    assert len(list((folder / "cache").iterdir())) == 2


def test_evaluation(outcome):
    assert outcome["evaluate"]["precision"] >= 0.9
    assert outcome["evaluate"]["recall"] >= 0.9


def test_predictions(outcome, folder, tags):
    lines = (folder / "tags.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    right = sum(
        set(row["tags"]) == set(wanted) for row, wanted in zip(rows, tags, strict=True)
    )
    assert right >= 20
    for row in rows:
        assert all(score >= 0.5 for score in row["scores"])
        assert row["scores"] == sorted(row["scores"], reverse=True)
    assert outcome["predict"].splitlines() == rows[0]["tags"]


def test_preset_of_an_unknown_class(outcome):
    assert outcome["task"] == "image_tagger.image_tagger:ImageTagger"


def test_saved_model_fails_by_row(outcome):
    given, served = outcome["tag"], outcome["served"]
    assert given[0] and given[1] is None and given[2]
    assert served["tags"][1] == [""] * 4 and served["scores"][1] == [0] * 4
    assert [bool(error) for error in served["error"]] == [False, True, False]
    for row in (0, 2):
        pairs = zip(served["tags"][row], served["scores"][row], strict=True)
        found = [(tag, score) for tag, score in pairs if tag]
        assert [tag for tag, _ in found] == [tag for tag, _ in given[row]]
        for (_, score), (_, wanted) in zip(found, given[row], strict=True):
            assert score == pytest.approx(wanted, abs=1e-4)


def test_litert_file(outcome):
    assert "the same output as the model for 100.0% of 7 samples" in outcome["export"]
    rows = [json.loads(line) for line in outcome["litert"].splitlines()]
    assert [row["tags"] for row in rows] == [tag for tag, _ in outcome["tag"][0]]


def test_info(outcome):
    assert "ImageTagger: tag images with words" in outcome["info"]
    assert "num tags       4" in outcome["info"]


def test_preset_without_the_plugin(outcome, folder):
    done = python(["-m", "mmkeras", "info", folder / "preset"])
    assert done.returncode == 2
    assert "unknown task ImageTagger" in done.stderr
    assert "install the plugin" in done.stderr


@contextlib.contextmanager
def serving(folder):
    command = [sys.executable, "-m", "mmkeras", "serve", f"tagger={folder / 'served'}"]
    process = subprocess.Popen(
        [*command, "--rest-port", "0", "--grpc-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process.stdout.readline().removeprefix("REST: ").strip()
    finally:
        process.kill()
        process.communicate()


def test_server(outcome, folder):
    image = base64.b64encode((folder / "test" / "0.png").read_bytes()).decode()
    request = {"instances": [{"image_bytes": {"b64": image}}]}
    with serving(folder) as address:
        answer = httpx.post(f"{address}/tagger:predict", json=request, timeout=60)
    [row] = answer.json()["predictions"]
    assert row["tags"] == outcome["served"]["tags"][0] and row["error"] == ""


@pytest.mark.slow
def test_conformance(site, tmp_path):
    rows = ROOT / "tests" / "conformance" / "test_tasks.py"
    run = ["-m", "pytest", "-q", "--basetemp", tmp_path / "rows", "--rootdir", ROOT]
    done = python([*run, "-k", "tagger", rows], site)
    assert done.returncode == 0, done.stdout
    assert "12 passed" in done.stdout
