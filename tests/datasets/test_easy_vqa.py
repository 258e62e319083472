import collections
import sys

import pytest

from mmkeras.data import load
from mmkeras.datasets import easy_vqa


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp("tfds"))


def strings(tensor):
    return [text.decode() for text in tensor]


def test_the_complete_package(data_dir):
    splits = load("easy_vqa", split=("train", "test"), data_dir=data_dir)
    assert "easy_vqa" not in sys.modules
    answers, kinds = [collections.Counter() for _ in splits], collections.Counter()
    for split, counted in zip(splits, answers, strict=True):
        for sample in split.as_numpy_iterator():
            assert len(sample["question"]) == len(sample["answer"])
            counted.update(strings(sample["answer"]))
            kinds.update(strings(sample["question_type"]))
    # The numbers in the README of the package.
    assert [int(split.cardinality()) for split in splits] == [4000, 1000]
    assert [counted.total() for counted in answers] == [38_575, 9_673]
    assert [counted["yes"] + counted["no"] for counted in answers] == [28_407, 7_136]
    assert len(answers[0]) == len(answers[1]) == 13
    assert kinds["yes/no"] == 28_407 + 7_136
    assert set(kinds) == {"yes/no", "shape", "color"}


def test_the_first_image(data_dir):
    folder = easy_vqa._package_folder() / "data" / "train"
    train = load("easy_vqa", data_dir=data_dir)
    (first,) = train.filter(lambda s: s["image_id"] == "train/0").as_numpy_iterator()
    assert first["image"] == (folder / "images" / "0.png").read_bytes()
    rows = zip(
        *(strings(first[k]) for k in ("question", "answer", "question_type")),
        strict=True,
    )
    assert list(rows)[:3] == [
        ("what is the blue shape?", "rectangle", "shape"),
        ("what color is the shape?", "blue", "color"),
        ("does the image contain a rectangle?", "yes", "yes/no"),
    ]


def test_a_missing_package(tmp_path, monkeypatch):
    monkeypatch.setattr(easy_vqa.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"pip install 'mmkeras\[easy-vqa\]'"):
        load("easy_vqa", data_dir=str(tmp_path))
