import io
import json
import re
import urllib.parse

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from apps.captioning.nearest_neighbour import nearest_names
from apps.captioning.run import main, select_concepts
from tests.conftest import tiny_rows

NAMES = ["red square", "green square", "blue square"]


def styles():
    rng = np.random.default_rng(0)
    for index in range(9):
        pixels = rng.integers(0, 60, (64, 64, 3))
        pixels[16:48, 16:48, index % 3] += 190
        stream = io.BytesIO()
        Image.fromarray(pixels.astype("uint8")).save(stream, "PNG")
        yield {
            "image": stream.getvalue(),
            "captions": [NAMES[index % 3]],
            "unseen_concept": index % 3 == 2,
        }


@pytest.fixture
def drawings(monkeypatch):
    spec = {
        "image": tf.TensorSpec([], tf.string),
        "captions": tf.TensorSpec([None], tf.string),
        "unseen_concept": tf.TensorSpec([], tf.bool),
    }
    dataset = tf.data.Dataset.from_generator(styles, output_signature=spec)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(9))
    asked = []

    def load(name, split, manual_dir):
        asked.append((name, split))
        return dataset, dataset

    monkeypatch.setattr("mmkeras.data.load", load)
    return dataset, asked


def test_train_reports_and_saves_a_preset(drawings, tmp_path):
    arguments = ["train", "--epochs", "1", "--limit", "3", "--output"]
    main([*arguments, str(tmp_path / "preset")])
    results = json.loads((tmp_path / "preset" / "results.json").read_text())
    assert results["images"] == 9
    assert results["exact_names_of_the_nearest_neighbour"] == 1.0
    assert drawings[1] == [
        (
            "emoji_styles/en",
            ("openmoji[:3]+google[:3]+fluent[:3]", "twitter[:3]"),
        )
    ]
    assert (tmp_path / "preset" / "model.weights.h5").is_file()


def test_concepts_excluded_from_training(drawings):
    kept = select_concepts(drawings[0], unseen=False)
    assert int(kept.cardinality()) == 6
    assert {s["captions"].numpy()[0].decode() for s in kept} == set(NAMES[:2])
    assert int(select_concepts(drawings[0], unseen=True).cardinality()) == 3


def test_nearest_names_by_hand():
    def rows(features, names):
        return [
            {"image_features": tf.constant([f]), "captions": tf.constant([name])}
            for f, name in zip(features, names, strict=True)
        ]

    seen = rows([[1.0, 0.0], [0.0, 5.0]], ["a", "b"])
    # Cosines of (3, 4) with (1, 0) and (0, 1): 0.6 and 0.8.
    new = rows([[3.0, 4.0], [2.0, 1.0]], ["", ""])
    assert nearest_names(new, seen) == ["b", "a"]


def test_caption_writes_a_gallery(tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for index, row in enumerate(tiny_rows(2)):
        (images / f"{index}.png").write_bytes(row["image"])
    (images / "broken.jpg").write_bytes(b"not an image")
    preset = "saved_models/emoji_scenes_captioner"
    gallery = tmp_path / "gallery"
    main(["caption", str(images), "--preset", preset, "--gallery", str(gallery)])
    printed = capsys.readouterr().out
    assert "broken.jpg: cannot be read" in printed and "0.png: " in printed
    page = (gallery / "index.html").read_text("utf-8")
    assert page.count("<ol>") == 2 and "0.png_attention_00.png" in page
    assert (gallery / "1.png_attention_00.png").is_file()


def test_file_names_are_quoted_in_urls(tmp_path):
    images, gallery = tmp_path / "images", tmp_path / "gallery"
    images.mkdir()
    for name, row in zip(["a#1 50%.png", "a#1 50%.gif"], tiny_rows(2), strict=True):
        (images / name).write_bytes(row["image"])
    preset = "saved_models/emoji_scenes_captioner"
    main(["caption", str(images), "--preset", preset, "--gallery", str(gallery)])
    page = (gallery / "index.html").read_text("utf-8")
    assert 'src="a%231%2050%25.png"' in page
    shown = [urllib.parse.unquote(src) for src in re.findall('src="([^"]*)"', page)]
    assert len(set(shown)) == len(shown) > 4
    assert all((gallery / name).is_file() for name in shown)


def test_the_gallery_is_not_written_among_the_images(tmp_path):
    with pytest.raises(SystemExit, match="another folder with --gallery"):
        main(["caption", str(tmp_path), "--gallery", str(tmp_path / ".")])


def test_a_folder_without_images(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SystemExit, match="no images|no folder"):
            main(["caption", str(folder)])
