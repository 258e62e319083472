"""`mmkeras caption` over folders: streamed, resumed, and from LiteRT files."""

import json
import pathlib
import shutil

import pytest

from mmkeras.cli.jsonl_rows import JSONLRows
from mmkeras.cli.list_images import list_images
from mmkeras.cli.main import main

ROOT = pathlib.Path(__file__).parents[2]
PRESET = str(ROOT / "saved_models" / "emoji_scenes_captioner")
LITERT = f"{PRESET}/litert/dynamic_int8.tflite"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "b.PNG", "more/c.png"):
        shutil.copy(ROOT / "docs" / "scene.png", folder / name)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "._a.png").write_bytes(b"a companion")
    (folder / "notes.txt").write_text("not a picture")
    return folder


def rows_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_pictures_of_folders_are_listed_in_order(folder):
    found = [path.removeprefix(f"{folder}/") for path in list_images([str(folder)])]
    assert found == ["a.png", "b.PNG", "broken.jpg", "more/c.png"]
    assert list_images(["x.png", str(folder / "more")])[0] == "x.png"
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no pictures .* in the folder .*empty"):
        list_images([str(folder / "empty")])


@pytest.mark.parametrize("preset", [PRESET, LITERT], ids=["preset", "litert"])
def test_a_folder_is_captioned_and_goes_on_where_it_stopped(
    preset, folder, tmp_path, capsys
):
    output = tmp_path / "new" / "captions.jsonl"
    call = ["caption", preset, str(folder), "--output", str(output)]
    assert main([*call, "--batch-size", "2"]) == 1
    whole = rows_of(output)
    assert [pathlib.Path(row["image"]).name for row in whole] == [
        "a.png",
        "b.PNG",
        "broken.jpg",
        "c.png",
    ]
    assert "error" in whole[2] and "broken.jpg" in whole[2]["error"]
    assert whole[0]["caption"] == whole[3]["caption"]
    # What a crash leaves: two rows, and the beginning of a third.
    lines = output.read_bytes().splitlines(keepends=True)
    output.write_bytes(lines[0] + lines[1] + lines[2][:20])
    capsys.readouterr()
    assert main([*call, "--on-error", "skip"]) == 0
    assert [row["image"] for row in rows_of(output)] == [row["image"] for row in whole]
    said = capsys.readouterr()
    assert "2 new, 2 there before" in said.out
    assert "skipped 1 of 2 images" in said.err


def test_several_captions_are_one_row(folder, tmp_path):
    output = tmp_path / "captions.jsonl"
    call = ["caption", PRESET, str(folder / "a.png"), "--output", str(output)]
    assert main([*call, "--num-beams", "2", "--num-sequences", "2"]) == 0
    [row] = rows_of(output)
    assert len(row["captions"]) == len(row["scores"]) == 2


def test_what_is_no_rest_of_a_row_is_not_cut_off(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"precious": "data"}')
    with pytest.raises(ValueError, match="mine.json, line 1 is no row"):
        JSONLRows(path, "image")
    assert path.read_text() == '{"precious": "data"}'


def test_a_stepwise_file_captions_without_scores(folder, tmp_path):
    file, output = tmp_path / "steps.tflite", tmp_path / "captions.jsonl"
    assert main(["export", PRESET, "--to", str(file), "--stepwise"]) == 0
    picture = str(folder / "a.png")
    assert main(["caption", str(file), picture, "--output", str(output)]) == 0
    [row] = rows_of(output)
    assert row["caption"] and row["score"] is None


def test_another_file_is_not_taken_for_captions(tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text('{"image": "a.png"}\nnot json\n')
    with pytest.raises(ValueError, match="other.jsonl, line 2 is no row"):
        JSONLRows(path, "image")
    assert path.read_text().endswith("not json\n")


def test_a_litert_file_has_its_options_in_it(folder, capsys):
    call = ["caption", LITERT, str(folder / "a.png"), "--num-beams", "2"]
    assert main(call) == 2
    assert "Leave out num_beams" in capsys.readouterr().err
