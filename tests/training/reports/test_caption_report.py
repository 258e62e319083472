import sys

import pytest

from mmkeras.training import caption_report
from tests.conftest import tiny_rows


def test_a_report_shows_images_and_escapes_text(tmp_path):
    rows = tiny_rows(5)
    references = {row["image_id"]: row["captions"] for row in rows}
    captions = {row["image_id"]: row["captions"][0] for row in rows}
    captions["0"] = "<script>"
    images = {row["image_id"]: row["image"] for row in rows}
    images |= {"1": b"not an image", "2": None}
    path = tmp_path / "report.html"
    scores = caption_report(
        path,
        references,
        captions,
        image=images.get,
        hallucination={"CHAIRi": 0.25},
    )
    page = path.read_text("utf-8")
    assert f"{scores['CIDEr-D']:.4f} (" in page
    assert "<tr><th>CHAIRi</th><td>0.2500</td></tr>" in page
    assert "<script>" not in page and "&lt;script&gt;" in page
    # Five examples, the worst and the best: three of them with an image.
    assert page.count("<figure>") == 10
    assert page.count("data:image/jpeg;base64,") == 6
    assert page.count("unreadable image") == 2


def test_a_missing_jinja2_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r"pip install 'mmkeras\[plot\]'"):
        caption_report(tmp_path / "report.html", {"1": ["a dog"]}, {"1": "a dog"})
