import json

import numpy as np
import pytest

from mmkeras.data.formats import (
    read_caption_references,
    read_caption_results,
    read_coco_captions,
    read_vqa_annotations,
    read_vqa_results,
    write_caption_references,
    write_caption_results,
    write_vqa_results,
)


def test_caption_results(tmp_path):
    captions = {7: "a dog", "9": "一只狗", "007": ""}
    path = tmp_path / "results.json"
    write_caption_results(captions, path)
    assert read_caption_results(path) == captions
    write_caption_results({np.int64(7): "a dog"}, path)
    assert read_caption_results(path) == {7: "a dog"}
    with pytest.raises(ValueError, match="'image_id' must be .* Received: None"):
        write_caption_results({None: "a dog"}, path)


def test_caption_references(tmp_path):
    captions = {7: ["a dog ", "一只狗"], "b": ["a cat"]}
    path = tmp_path / "references.json"
    write_caption_references(captions, path)
    assert read_caption_references(path) == captions
    assert read_coco_captions(path).file_names == {}
    notes = json.loads(path.read_text("utf-8"))["annotations"]
    assert notes[2] == {"id": 2, "image_id": "b", "caption": "a cat"}


def test_vqa_results(tmp_path):
    path = tmp_path / "results.json"
    write_vqa_results({"7": "yes", "a7": "红色", "007": "", np.int64(8): "b"}, path)
    ids = [row["question_id"] for row in json.loads(path.read_text("utf-8"))]
    assert ids == [7, "a7", "007", 8]
    assert read_vqa_results(path) == {"7": "yes", "a7": "红色", "007": "", "8": "b"}


def test_images_without_a_caption(tmp_path):
    path = tmp_path / "captions.json"
    notes = [{"image_id": 1, "caption": "a"}]
    images = [{"id": 1}, {"id": 2, "file_name": "2.jpg"}]
    path.write_text(json.dumps({"images": images, "annotations": notes}))
    content = read_coco_captions(path)
    assert content.captions == {1: ["a"], 2: []}
    assert content.file_names == {2: "2.jpg"}
    with pytest.raises(ValueError, match="1 images have no caption, first 2"):
        read_caption_references(path)


def test_keys_of_annotations(tmp_path):
    path = tmp_path / "annotations.json"
    answers = [{"answer": "a", "answer_id": 1}, {"answer": "", "answer_id": 2}]
    row = {"question_id": 1, "answers": answers, "question_type": "what", "other": 1}
    path.write_text(json.dumps({"annotations": [row]}))
    expected = {"answers": ["a", ""], "question_type": "what"}
    assert read_vqa_annotations(path) == {"1": expected}
    path.write_text('{"annotations": []}')
    with pytest.raises(ValueError, match="has no annotations"):
        read_vqa_annotations(path)
