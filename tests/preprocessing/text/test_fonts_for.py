import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image

from mmkeras.models.questions.explanation import Explanation
from mmkeras.preprocessing.text.fonts_for import fonts_for


def explanation(question):
    return Explanation(
        question=question,
        answer="yes",
        score=0.5,
        tokens=["is"],
        image_attention=None,
        text_attention=None,
        image_gradient=np.zeros((2, 2), "float32"),
        image=np.zeros((8, 8, 3), "uint8"),
    )


@pytest.fixture
def without_chinese(monkeypatch):
    fonts = [f for f in font_manager.fontManager.ttflist if f.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)


@pytest.fixture
def with_simhei(without_chinese, tmp_path):
    """A font named SimHei whose only character is 图, a black square."""
    pen = TTGlyphPen(None)
    for number, corner in enumerate([(0, 0), (0, 900), (900, 900), (900, 0)]):
        (pen.lineTo if number else pen.moveTo)(corner)
    pen.closePath()
    square, blank = pen.glyph(), TTGlyphPen(None).glyph()
    font = FontBuilder(1000)
    font.setupGlyphOrder([".notdef", "square"])
    font.setupCharacterMap({ord("图"): "square"})
    font.setupGlyf({".notdef": blank, "square": square})
    font.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": "SimHei", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "simhei.ttf")
    font_manager.fontManager.addfont(tmp_path / "simhei.ttf")


def test_font_with_the_characters_comes_after_the_default(with_simhei):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fonts_for(["the 图", "a\nb"]) == ["DejaVu Sans", "SimHei"]


def test_missing_characters_warn_once(without_chinese, tmp_path):
    with pytest.warns(UserWarning) as warned:
        explanation("图里有猫吗？").plot(tmp_path / "drawing.png")
    (message,) = [str(warning.message) for warning in warned]
    assert "fonts-noto-cjk" in message and "图" in message


def test_chinese_is_drawn_with_the_right_font(with_simhei, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explanation("图图图").plot(tmp_path / "drawing.png")
    with Image.open(tmp_path / "drawing.png") as drawing:
        pixels = np.asarray(drawing.convert("L"))
    # Nothing else above the images is black over 8 x 8 pixels.
    title = pixels[: len(pixels) // 5]
    blocks = np.lib.stride_tricks.sliding_window_view(title, (8, 8))
    assert (blocks.max(axis=(2, 3)) < 50).any()


def test_dollar_signs_are_text(tmp_path):
    explanation("cost $x_{ of $?").plot(tmp_path / "broken.png")
    explanation("is it $5 or $10?").plot(tmp_path / "drawing.svg")
    # Formulas are drawn in italics, with another font.
    assert "DejaVuSans-Oblique" not in (tmp_path / "drawing.svg").read_text()
