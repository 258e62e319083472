import json
import subprocess
import sys

import pytest

from mmkeras.cli.main import main
from tests.conftest import tiny_rows


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    lines = ["image,caption"]
    for row in tiny_rows(40):
        name = f"{row['image_id']}.png"
        (folder / name).write_bytes(row["image"])
        lines += [f'{name},"{caption}"' for caption in row["captions"]]
    (folder / "captions.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def preset(photos, tmp_path_factory):
    output = tmp_path_factory.mktemp("run") / "captioner"
    code = main(
        ["train", "captioner", "--data", str(photos), "--output", str(output)]
        + ["--image-size", "32", "--hidden-dim", "32", "--num-layers", "1"]
        + ["--epochs", "2", "--batch-size", "16", "--seed", "3"]
    )
    assert code == 0
    return output


def error_of(capsys, *arguments):
    assert main(list(map(str, arguments))) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_help_imports_no_tensorflow():
    code = (
        "import sys; from mmkeras.cli.main import build_parser; "
        "build_parser().format_help(); "
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_is_written_and_repeated(preset, photos, tmp_path, capsys):
    history = json.loads((preset / "history.json").read_text())
    assert len(history["loss"]) == len(history["val_loss"]) == 2
    assert not (preset / ".backup").exists()
    again = tmp_path / "again"
    assert (
        main(["train", "--config", str(preset / "run.yaml"), "--output", str(again)])
        == 0
    )
    repeated = json.loads((again / "history.json").read_text())
    assert repeated["loss"][0] == pytest.approx(history["loss"][0], rel=0.02)
    capsys.readouterr()
    message = error_of(capsys, "train", "--config", preset / "run.yaml")
    assert "is not empty" in message and "--overwrite" in message


def test_caption(preset, photos, tmp_path, capsys):
    picture = str(photos / "0.png")
    assert main(["caption", str(preset), picture]) == 0
    caption = capsys.readouterr().out.strip()
    assert caption
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    paths = [picture, str(bad), str(tmp_path / "none.png")]
    code = main(["caption", str(preset), *paths, "--json", "--num-beams", "2"])
    out, err = capsys.readouterr()
    assert code == 1
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["image"] for row in rows] == [picture]
    assert "bad.jpg" in err and "none.png" in err and "Traceback" not in err


def test_evaluate_export_info(preset, photos, tmp_path, capsys):
    assert main(["evaluate", str(preset), "--data", str(photos), "--limit", "8"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert {"loss", "perplexity", "token_accuracy"} <= set(results)
    target = tmp_path / "served" / "1"
    assert main(["export", str(preset), "--to", str(target)]) == 0
    assert (target / "saved_model.pb").is_file()
    capsys.readouterr()
    assert main(["info", str(preset)]) == 0
    assert "ImageCaptioner" in capsys.readouterr().out


def test_errors_are_one_line_with_a_remedy(preset, photos, tmp_path, capsys):
    assert "no preset folder" in error_of(capsys, "caption", tmp_path / "x", "y.png")
    assert "--data and --output" in error_of(capsys, "train", "captioner")
    assert "what to train" in error_of(capsys, "train", "--epochs", 1)
    picture = photos / "0.png"
    message = error_of(capsys, "caption", preset, picture, "--num-beams", 0)
    assert "`num_beams`" in message
    message = error_of(capsys, "export", preset, "--to", "x.tflite")
    assert "SavedModels only" in message
    message = error_of(
        capsys, "train", "captioner", "--data", "./none", "--output", tmp_path / "o"
    )
    assert "no folder ./none" in message
    with pytest.raises(FileNotFoundError):
        main(["info", str(tmp_path), "--debug"])
