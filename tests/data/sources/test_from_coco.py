import json

import pytest
import tensorflow as tf

from mmkeras.data import from_coco


@pytest.fixture
def folder(tmp_path):
    for index in range(6):
        pixels = tf.fill([4, 5, 3], tf.cast(index * 40, tf.uint8))
        (tmp_path / f"{index}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    return tmp_path


def read(dataset):
    return [
        (s["image_id"].decode(), [c.decode() for c in s["captions"]])
        for s in dataset.as_numpy_iterator()
    ]


def coco(folder, images, annotations):
    path = folder / "captions.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_images_with_captions(folder):
    images = [{"id": i, "file_name": f"{i}.png"} for i in (3, 1, 2)]
    notes = [{"image_id": i, "caption": f" c{i}\n"} for i in (1, 3, 1)]
    notes[2]["caption"] = "more"
    path = coco(folder, images, notes)
    with pytest.warns(UserWarning, match="1 of 3 images"):
        dataset = from_coco(path, folder)
    assert read(dataset) == [("3", ["c3"]), ("1", ["c1", "more"])]


@pytest.mark.parametrize(
    ("images", "notes", "error", "message"),
    [
        ([{"id": 1}], [], ValueError, "the image 1 has no 'file_name'"),
        ([(1, "1.png")] * 2, [], ValueError, "image id 1 is duplicated"),
        ([(1, "1.png")], [(2, "a")], ValueError, "caption of image 2"),
        ([(1, "1.png")], [(1, " ")], ValueError, r"\(image 1\) has an empty caption"),
        ([(1, "1.png")], [(1, None)], ValueError, r"\(image 1\) has None as a caption"),
        ([(1, "9.png")], [(1, "a")], FileNotFoundError, "names '9.png'"),
        ([(1, "1.png")], [], ValueError, "no captioned images"),
    ],
)
def test_invalid_files(folder, images, notes, error, message):
    images = [
        dict(zip(("id", "file_name"), i, strict=True)) if isinstance(i, tuple) else i
        for i in images
    ]
    notes = [dict(zip(("image_id", "caption"), n, strict=True)) for n in notes]
    with pytest.raises(error, match=message):
        from_coco(coco(folder, images, notes), folder)
