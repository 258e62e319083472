import re
import urllib.parse

import pytest

from apps.vqa.run import main
from mmkeras.models import VisualQA
from tests.conftest import SIDE


@pytest.fixture
def preset(dataset, tmp_path):
    vqa = VisualQA.from_data(
        dataset, image_size=SIDE, hidden_dim=16, num_encoder_layers=0
    )
    vqa.save_to_preset(tmp_path / "preset")
    return tmp_path / "preset"


def test_asking_a_folder_writes_a_page(preset, images, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.png").write_bytes(images[0])
    (pictures / "b.png").write_bytes(b"bad")
    output = tmp_path / "answers"
    asked = ["--question", "is there a <b>star</b>?"]
    main(["ask", str(preset), str(pictures), *asked, "--output", str(output)])
    page = (output / "index.html").read_text("utf-8")
    assert "&lt;b&gt;star&lt;/b&gt;" in page and "cannot be read" in page
    assert (output / "a.png_0.png").stat().st_size > 5_000
    assert str(output / "index.html") in capsys.readouterr().out


def test_every_picture_has_a_drawing_that_a_browser_finds(preset, images, tmp_path):
    pictures, output = tmp_path / "pictures", tmp_path / "answers"
    pictures.mkdir()
    names = ["cat.jpg", "cat.png", "a#1 50%.png"]
    for name, image in zip(names, images, strict=False):
        (pictures / name).write_bytes(image)
    asked = ["--question", "is there a star?", "--output", str(output)]
    main(["ask", str(preset), str(pictures), *asked])
    page = (output / "index.html").read_text("utf-8")
    shown = [urllib.parse.unquote(src) for src in re.findall('src="([^"]*)"', page)]
    assert sorted(shown) == sorted(f"{name}_0.png" for name in names)
    assert len({(output / drawing).read_bytes() for drawing in shown}) == 3
    assert 'src="a%231%2050%25.png_0.png"' in page


def test_the_page_is_not_written_among_the_pictures(tmp_path):
    with pytest.raises(SystemExit, match="another folder with --output"):
        main(["ask", "-", str(tmp_path), "--question", "a?", "--output", str(tmp_path)])


def test_a_folder_without_pictures(preset, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(SystemExit, match="no pictures"):
        main(["ask", str(preset), str(tmp_path / "none"), "--question", "a?"])
