import re
import urllib.parse

import numpy as np
import pytest

from apps.demo.report import write_report


class Attentive:
    """A captioner that attends to the upper left corner at every token."""

    def attention(self, path, caption):
        tokens = caption.split()
        return tokens, [np.array([[1.0, 0.0], [0.0, 0.0]])] * len(tokens)


@pytest.fixture
def sample(scenes, tmp_path):
    row = scenes[0]
    path = tmp_path / "image_00.png"
    path.write_bytes(row["image"])
    path.with_name("image_00_explanation.png").write_bytes(row["image"])
    return {
        "path": path,
        "references": row["captions"],
        "scene": row["scene"],
        "shipped": row["captions"][0],
        "trained": "a <b>nonsense</b>",
        "answers": [("is it red?", "yes", "yes"), ("is it blue?", "no", "yes")],
        "explanation": path.with_name("image_00_explanation.png"),
    }


def test_the_page_judges_captions_and_answers(sample, tmp_path):
    path = write_report(tmp_path, Attentive(), [sample], {"loss": 1.23456}, [2.0, 1.0])
    page = path.read_text("utf-8")
    assert "<td>loss</td><td>1.235</td>" in page
    assert f'Shipped: <b class="true">{sample["shipped"]}</b></p>' in page
    assert 'Trained: <b class="false">a &lt;b&gt;nonsense&lt;/b&gt;</b> (' in page
    assert 'is it red? <b class="true">yes</b>' in page
    assert 'is it blue? <b class="false">yes</b>' in page
    shown = [urllib.parse.unquote(src) for src in re.findall('src="([^"]*)"', page)]
    # Loss, image, explanation, and one drawing for each token.
    assert len(shown) == 3 + len(sample["shipped"].split())
    assert all((tmp_path / name).is_file() for name in shown)
