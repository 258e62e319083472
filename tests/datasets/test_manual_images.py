import io

import numpy as np
import pytest
from manual_packages import write_image
from PIL import Image

from mmkeras.datasets.manual_images import open_image, png_over_white


def test_transparency_becomes_white(tmp_path):
    path = tmp_path / "half.png"
    # Red that is half transparent: 255 and (255 + 0) / 2 = 127 or 128.
    write_image(path, (255, 0, 0, 128), (8, 4), (0, 0, 3, 3))
    pixels = np.asarray(Image.open(io.BytesIO(png_over_white(open_image(path)))))
    assert pixels.shape == (4, 8, 3)
    np.testing.assert_allclose(pixels[0, 0], [255, 127, 127], atol=1)
    np.testing.assert_array_equal(pixels[0, 7], [255, 255, 255])


def test_the_pixel_limit_applies_to_the_header(tmp_path):
    path = tmp_path / "large.png"
    write_image(path, size=(30, 20))
    assert open_image(path, max_pixels=600).size == (30, 20)
    with pytest.raises(ValueError, match="30 × 20 pixels, over 599"):
        open_image(path, max_pixels=599)


@pytest.mark.parametrize("content", [b"", b"text", "truncated", "corrupted"])
def test_broken_files(tmp_path, content):
    path = tmp_path / "broken.png"
    write_image(path)
    complete = path.read_bytes()
    if content == "truncated":
        content = complete[: len(complete) // 2]
    if content == "corrupted":
        middle = complete.index(b"IDAT") + 8
        content = complete[:middle] + bytes(20) + complete[middle + 20 :]
    path.write_bytes(content)
    with pytest.raises(ValueError, match="."):
        open_image(path)


def test_a_white_image_cannot_be_cropped(tmp_path):
    path = tmp_path / "white.png"
    write_image(path, "white")
    assert png_over_white(open_image(path))
    with pytest.raises(ValueError, match="completely white"):
        png_over_white(open_image(path), crop=True)
