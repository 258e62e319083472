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
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.png").write_bytes(images[0])
    (folder / "b.png").write_bytes(b"bad")
    output = tmp_path / "answers"
    asked = ["--question", "is there a <b>star</b>?"]
    main(["ask", str(preset), str(folder), *asked, "--output", str(output)])
    page = (output / "index.html").read_text("utf-8")
    assert "&lt;b&gt;star&lt;/b&gt;" in page and "cannot be read" in page
    assert (output / "a.png_0.png").stat().st_size > 5_000
    assert str(output / "index.html") in capsys.readouterr().out


def test_every_image_has_a_drawing_under_its_url(preset, images, tmp_path):
    folder, output = tmp_path / "images", tmp_path / "answers"
    folder.mkdir()
    names = ["cat.jpg", "cat.png", "a#1 50%.png"]
    for name, image in zip(names, images, strict=False):
        (folder / name).write_bytes(image)
    asked = ["--question", "is there a star?", "--output", str(output)]
    main(["ask", str(preset), str(folder), *asked])
    page = (output / "index.html").read_text("utf-8")
    shown = [urllib.parse.unquote(src) for src in re.findall('src="([^"]*)"', page)]
    assert sorted(shown) == sorted(f"{name}_0.png" for name in names)
    assert len({(output / drawing).read_bytes() for drawing in shown}) == 3
    assert 'src="a%231%2050%25.png_0.png"' in page


def test_the_page_is_not_written_among_the_images(tmp_path):
    with pytest.raises(SystemExit, match="another folder with --output"):
        main(["ask", "-", str(tmp_path), "--question", "a?", "--output", str(tmp_path)])


def test_a_folder_without_images(preset, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(SystemExit, match="no images"):
        main(["ask", str(preset), str(tmp_path / "none"), "--question", "a?"])
