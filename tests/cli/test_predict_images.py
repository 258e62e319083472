"""`mmkeras caption` and `mmkeras predict` for images and folders of them."""

import json
import pathlib
import shutil

import pytest

from mmkeras.cli.jsonl_rows import JSONLRows
from mmkeras.cli.list_images import list_images
from mmkeras.cli.main import main

pytestmark = pytest.mark.usefixtures("loaded_once")
ROOT = pathlib.Path(__file__).parents[2]
IMAGE = str(ROOT / "docs" / "scene.png")
PRESET = str(ROOT / "saved_models" / "emoji_scenes_captioner")
LITERT = f"{PRESET}/litert/dynamic_int8.tflite"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "b.PNG", "more/c.png"):
        shutil.copy(IMAGE, folder / name)
    (folder / "broken.jpg").write_bytes(b"not an image")
    (folder / "._a.png").write_bytes(b"a companion")
    (folder / "notes.txt").write_text("not an image")
    return folder


def rows_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_images_of_folders_are_listed_in_order(folder):
    paths = [path.removeprefix(f"{folder}/") for path in list_images([str(folder)])]
    assert paths == ["a.png", "b.PNG", "broken.jpg", "more/c.png"]
    assert list_images(["x.png", str(folder / "more")])[0] == "x.png"
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no images .* in the folder .*empty"):
        list_images([str(folder / "empty")])


def test_predictions_and_failures(folder, capsys):
    assert main(["predict", PRESET, str(folder / "a.png")]) == 0
    caption = capsys.readouterr().out.strip()
    assert caption == "two apples."
    paths = [str(folder / "a.png"), str(folder / "broken.jpg"), "none.png"]
    assert main(["caption", PRESET, *paths, "--json"]) == 1
    out, err = capsys.readouterr()
    [row] = [json.loads(line) for line in out.splitlines()]
    assert (row["image"], row["caption"]) == (paths[0], caption)
    assert err.splitlines() == [
        f"mmkeras: error: Cannot read {paths[1]}: unknown image format: convert the "
        "image to JPEG or PNG. Remove it or convert it.",
        "mmkeras: error: Image file none.png does not exist.",
    ]


@pytest.mark.parametrize("preset", [PRESET, LITERT], ids=["preset", "litert"])
def test_a_folder_is_captioned_and_resumed(preset, folder, tmp_path, capsys):
    output = tmp_path / "new" / "captions.jsonl"
    call = ["caption", preset, str(folder), "--output", str(output)]
    assert main([*call, "--batch-size", "2"]) == 1
    complete = rows_of(output)
    assert [pathlib.Path(row["image"]).name for row in complete] == [
        "a.png",
        "b.PNG",
        "broken.jpg",
        "c.png",
    ]
    assert "error" in complete[2] and "broken.jpg" in complete[2]["error"]
    assert complete[0]["caption"] == complete[3]["caption"]
    # After a crash: two rows, and the beginning of a third.
    lines = output.read_bytes().splitlines(keepends=True)
    output.write_bytes(lines[0] + lines[1] + lines[2][:20])
    capsys.readouterr()
    assert main([*call, "--on-error", "skip"]) == 0
    assert [r["image"] for r in rows_of(output)] == [r["image"] for r in complete]
    captured = capsys.readouterr()
    assert "2 new, 2 existing" in captured.out
    assert "skipped 1 of 2 images" in captured.err


def test_several_captions_are_one_row_with_their_tokens(folder, tmp_path):
    output = tmp_path / "captions.jsonl"
    call = ["caption", PRESET, str(folder / "a.png"), "--output", str(output)]
    # As many beams as captions.
    assert main([*call, "--num-sequences", "2", "--token-scores"]) == 0
    [row] = rows_of(output)
    assert len(row["captions"]) == len(row["scores"]) == len(row["tokens"]) == 2
    assert row["scores"][0] >= row["scores"][1]
    assert all(score < 0 for tokens in row["tokens"] for _, score in tokens)


def test_scores_of_tokens_add_up(folder, capsys):
    call = ["caption", PRESET, str(folder / "a.png"), "--token-scores", "--json"]
    assert main(call) == 0
    row = json.loads(capsys.readouterr().out)
    total = sum(score for _, score in row["tokens"])
    assert total == pytest.approx(row["score"], abs=1e-3)


def test_samples_are_rows(folder, capsys):
    sample = ["--top-p", "0.9", "--seed", "2", "--num-sequences", "3", "--json"]
    assert main(["caption", PRESET, str(folder / "a.png"), *sample]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["image"] for row in rows] == [str(folder / "a.png")] * 3


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num-beams", "0"], "--num-beams must be an integer of at least 1. "
         "Received: --num-beams 0."),
        (["--top-p", "2"], "--top-p must be"),
        (["--num-beams", "2", "--top-p", "0.3"], "Sampling has no beams. Received: "
         "--top-p 0.3, --num-beams 2."),
        (["--forbid", " "], "--forbid must be"),
        (["--batch-size", "0"], "--batch-size must be at least 1. Received: 0."),
        (["--token-scores"], "--token-scores needs --json, or --output FILE."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_options(flags, message, error_of):
    assert message in error_of("caption", PRESET, IMAGE, *flags)


def test_a_litert_file_has_its_options_in_it(error_of):
    message = error_of("caption", LITERT, IMAGE, "--num-beams", "2")
    assert message == (
        f"{LITERT} is a LiteRT file, which was exported with its options. Remove "
        "--num-beams, or give the preset."
    )


def test_other_tasks_are_refused(shipped, error_of):
    vqa = shipped / "emoji_scenes_vqa"
    for preset in (vqa, vqa / "litert" / "dynamic_int8.tflite"):
        message = error_of("caption", preset, IMAGE)
        assert message == (
            f"{preset} holds the task VisualQA, which writes no captions. Try: mmkeras "
            f'ask {preset} IMAGE "QUESTION"'
        )


@pytest.mark.parametrize(
    ("text", "line"),
    [('{"precious": "data"}', 1), ('{"image": "a.png"}\nnot json\n', 2)],
)
def test_another_file_is_not_overwritten(text, line, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"mine.json, line {line} is not a row"):
        JSONLRows(path, "image")
    assert path.read_text() == text
