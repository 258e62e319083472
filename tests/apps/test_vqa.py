import re
import urllib.parse

import pytest

from apps.vqa.run import main
from mmkeras.models import VisualQA
from tests.conftest import SIDE


@pytest.fixture(scope="module")
def preset(dataset, tmp_path_factory):
    vqa = VisualQA.from_data(dataset, image_size=SIDE, hidden_dim=16, num_layers=0)
    path = tmp_path_factory.mktemp("vqa") / "preset"
    vqa.save_to_preset(path)
    return path


def test_a_page_has_answers_and_explanations(preset, images, tmp_path, capsys):
    folder, output = tmp_path / "images", tmp_path / "answers"
    folder.mkdir()
    names = ["cat.jpg", "cat.png", "a#1 50%.png"]
    for name, image in zip(names, images, strict=False):
        (folder / name).write_bytes(image)
    (folder / "b.png").write_bytes(b"bad")
    question = ["--question", "is there a <b>star</b>?"]
    main(["ask", str(preset), str(folder), *question, "--output", str(output)])
    assert str(output / "index.html") in capsys.readouterr().out
    page = (output / "index.html").read_text("utf-8")
    assert "&lt;b&gt;star&lt;/b&gt;" in page
    assert page.count("cannot be read") == 1
    assert len(re.findall(r"\d%, \w+ \d+%</b>", page)) == 3
    assert 'src="a%231%2050%25.png_0.png"' in page
    shown = [urllib.parse.unquote(src) for src in re.findall('src="([^"]*)"', page)]
    assert sorted(shown) == sorted(f"{name}_0.png" for name in names)
    assert len({(output / drawing).read_bytes() for drawing in shown}) == 3
    assert (output / "cat.jpg_0.png").stat().st_size > 5_000


def test_the_page_is_not_written_among_the_images(tmp_path):
    with pytest.raises(SystemExit, match="another folder with --output"):
        main(["ask", "-", str(tmp_path), "--question", "a?", "--output", str(tmp_path)])


def test_a_folder_without_images(preset, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(SystemExit, match="no images"):
        main(["ask", str(preset), str(tmp_path / "none"), "--question", "a?"])
