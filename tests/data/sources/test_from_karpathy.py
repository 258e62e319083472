import json

import pytest

from mmkeras.data import from_karpathy
from tests.data.official_files import captions_of, karpathy

SPLITS = ("train", "val", "restval", "test", "train")


def read(dataset):
    return [
        (s["image_id"].decode(), [c.decode() for c in s["captions"]])
        for s in dataset.as_numpy_iterator()
    ]


def change(path, edit):
    data = json.loads(path.read_text())
    edit(data["images"])
    path.write_text(json.dumps(data))


def test_train_includes_restval(tmp_path):
    path = karpathy(tmp_path, "dataset_coco.json", SPLITS, coco=True)
    train = from_karpathy(path, tmp_path)
    assert read(train) == [(str(100 + i), captions_of(i)) for i in (0, 2, 4)]
    assert train.cardinality() == 3
    file = tmp_path / "val2014" / "000000000000.jpg"
    assert next(iter(train))["image"].numpy() == file.read_bytes()
    assert read(from_karpathy(path, tmp_path, "val")) == [("101", captions_of(1))]
    assert read(from_karpathy(path, tmp_path, "test")) == [("103", captions_of(3))]


def test_flickr_has_file_names_without_folders(tmp_path):
    path = karpathy(tmp_path, "dataset_flickr8k.json", SPLITS)
    test = from_karpathy(path, tmp_path / "images", "test")
    assert read(test) == [("000000000003.jpg", captions_of(3))]


def test_only_images_of_the_split_must_exist(tmp_path):
    path = karpathy(tmp_path, "dataset_coco.json", SPLITS, coco=True)
    (tmp_path / "val2014" / "000000000001.jpg").unlink()
    assert len(read(from_karpathy(path, tmp_path))) == 3
    with pytest.raises(FileNotFoundError, match=r"'val2014/0+1.jpg' \(image 101\)"):
        from_karpathy(path, tmp_path, "val")


def test_images_without_captions_are_skipped(tmp_path):
    path = karpathy(tmp_path, "dataset_coco.json", SPLITS, coco=True)
    change(path, lambda images: images[2].update(sentences=[]))
    with pytest.warns(UserWarning, match="1 of 3 images"):
        assert len(read(from_karpathy(path, tmp_path))) == 2


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda images: images[0].pop("sentences"), "has no 'sentences'"),
        (lambda images: images[0].update(sentences=["a cat"]), "object with 'raw'"),
        (lambda images: images[0].update(filename=3), "has 3 as 'filename'"),
        (lambda images: images.append(images[0]), "the image 100 is duplicated"),
        (
            lambda images: images[0].update(sentences=[{"raw": " "}]),
            r"\(image 100\) has an empty caption",
        ),
        (
            lambda images: images[0].update(sentences=[{"raw": 1}]),
            r"\(image 100\) has 1 as a caption",
        ),
        (lambda images: images.clear(), "no images in the split 'train'"),
    ],
)
def test_bad_files(tmp_path, edit, message):
    path = karpathy(tmp_path, "dataset_coco.json", SPLITS, coco=True)
    change(path, edit)
    with pytest.raises(ValueError, match=message):
        from_karpathy(path, tmp_path)


def test_other_files(tmp_path):
    path = tmp_path / "dataset_coco.json"
    with pytest.raises(FileNotFoundError, match="no file .*dataset_coco.json"):
        from_karpathy(path, tmp_path)
    for text in ("{", "[]", '{"images": [3]}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="must be an object with"):
            from_karpathy(path, tmp_path)
    with pytest.raises(ValueError, match="one of 'train', 'val', 'test'.*'validation'"):
        from_karpathy(path, tmp_path, "validation")
