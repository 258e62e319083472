import json

import pytest

from mmkeras.data.formats import (
    read_caption_references,
    read_caption_results,
    write_caption_results,
)


def test_results_round_trip(tmp_path):
    captions = {7: "a dog", 9: "一只狗"}
    write_caption_results(captions, tmp_path / "results.json")
    assert read_caption_results(tmp_path / "results.json") == captions


@pytest.mark.parametrize(
    "content, told",
    [
        ({"captions": []}, "must be a list"),
        ([{"image_id": 1}], "row 0, must have"),
        ([{"image_id": 1, "caption": "a"}] * 2, r"two captions of image 1 \(row 1\)"),
        ([{"image_id": 1, "caption": float("nan")}], "image 1 is not a string: nan"),
        ([{"image_id": None, "caption": "a"}], "number or a string: None"),
    ],
)
def test_bad_results_name_the_file_and_the_row(content, told, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=told) as error:
        read_caption_results(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "images, notes, told",
    [
        ([1, 1], [(1, "a")], "image id 1 twice"),
        ([1], [(2, "a")], "image 2, unknown"),
        ([1], [(1, " ")], "image 1 is empty"),
        ([1, 2], [(1, "a")], "1 images have no caption, first 2"),
    ],
)
def test_bad_references_name_the_file_and_the_id(images, notes, told, tmp_path):
    path = tmp_path / "captions.json"
    data = {
        "images": [{"id": image_id} for image_id in images],
        "annotations": [{"image_id": i, "caption": text} for i, text in notes],
    }
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=told) as error:
        read_caption_references(path)
    assert str(path) in str(error.value)


def test_references_of_another_shape(tmp_path):
    path = tmp_path / "captions.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match="'annotations'"):
        read_caption_references(path)
