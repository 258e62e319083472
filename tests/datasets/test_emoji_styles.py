import io

import numpy as np
import pytest
from manual_packages import EMOJI, write_emoji, write_image
from PIL import Image

from mmkeras.data import load
from mmkeras.datasets import emoji_style_images
from mmkeras.datasets.emoji_styles import _is_unseen

STYLES = ("openmoji", "google", "fluent", "twitter")
# Keycap, heart, cat, dog and giraffe; and a hand with a skin tone, which is unused.
GOOGLE = ("0023-fe0f-20e3", "2764-fe0f", "1f431", "1f436", "1f992", "1f44b-1f3fb")
# The packages do not agree on leading zeros and on the variation selector fe0f.
FLUENT = ("23-20e3", "2764", "1f431", "1f436", "1f992", "1f44b-1f3fb")
TWITTER = ("0023-fe0f-20e3", "2764-fe0f", "1f431", "1f436", "1f44b-1f3fb")


@pytest.fixture
def folder(tmp_path):
    write_emoji(
        tmp_path / "sources",
        {
            "google": tuple(f"{name}.png" for name in GOOGLE),
            "fluent": tuple(f"{name}.webp" for name in FLUENT),
            "twitter": tuple(f"{name}.png" for name in TWITTER),
        },
    )
    return tmp_path / "sources"


def load_styles(folder, language="en", split=STYLES):
    return load(
        f"emoji_styles/{language}",
        split=split,
        data_dir=str(folder.parent / "tfds"),
        manual_dir=str(folder),
    )


def by_concept(dataset):
    return {row["concept"].decode(): row for row in dataset.as_numpy_iterator()}


def test_all_styles_have_the_shared_concepts(folder):
    # Google has five, of which Twitter lacks the giraffe.
    names = {"23-20e3": "keycap #", "2764": "red heart", "1f431": "cat face"}
    names["1f436"] = "dog face"
    styles = dict(zip(STYLES, map(by_concept, load_styles(folder)), strict=True))
    for style, rows in styles.items():
        assert {key: row["captions"][0].decode() for key, row in rows.items()} == names
        for concept, row in rows.items():
            assert row["image_id"].decode() == f"{style}/{concept}"
            assert row["style"].decode() == style
            assert row["unseen_concept"] == styles["google"][concept]["unseen_concept"]
            image = Image.open(io.BytesIO(row["image"]))
            assert (image.format, image.mode, image.size) == (
                "PNG",
                "RGB",
                (64, 64),
            )
            assert np.asarray(image).min() < 128
    both, one = load_styles(folder, split=("google+fluent", "twitter"))
    assert (int(both.cardinality()), int(one.cardinality())) == (8, 4)
    unseen = sum(row["unseen_concept"] for row in styles["google"].values())
    seen = one.filter(lambda sample: ~sample["unseen_concept"])
    assert len(by_concept(seen)) == 4 - unseen


def test_names_in_chinese_and_a_built_dataset_needs_no_folder(folder):
    rows = by_concept(load_styles(folder, "zh", "fluent"))
    assert rows["1f431"]["captions"][0].decode() == "猫脸"
    data_dir = str(folder.parent / "tfds")
    again = by_concept(load("emoji_styles/zh", split="fluent", data_dir=data_dir))
    assert list(again) == list(rows)


def test_styles_have_the_same_margins(folder):
    # 0.9 of 256 pixels: a window of 230 that starts at 13, scaled to 64. A box from 32
    # to 223 begins at (32 - 13) × 64 / 230 = 5.3 and ends at (224 - 13) × 64 / 230
    # = 58.7: pixels 5 and 58 are mostly covered.
    cat = folder / EMOJI["fluent"] / "1f431.webp"
    write_image(cat, "black", (256, 256), (32, 32, 223, 223))
    # A larger drawing is shown completely.
    dog = folder / EMOJI["fluent"] / "1f436.webp"
    write_image(dog, "black", (256, 256), (0, 100, 255, 150))
    rows = by_concept(load_styles(folder, split="fluent"))
    for concept, expected in (("1f431", (5, 58)), ("1f436", (0, 63))):
        pixels = np.asarray(Image.open(io.BytesIO(rows[concept]["image"])))
        columns = np.where((pixels < 128).all(-1).any(0))[0]
        assert (columns.min(), columns.max()) == expected


def test_concepts_that_a_style_draws_identically_are_used_once(folder):
    for name in ("1f431", "1f436"):
        write_image(folder / EMOJI["twitter"] / f"{name}.png", "green")
    for dataset in load_styles(folder):
        assert set(by_concept(dataset)) == {"23-20e3", "2764", "1f431"}


def test_broken_images_are_excluded_from_all_styles(folder):
    broken = folder / EMOJI["google"] / "1f431.png"
    broken.write_bytes(broken.read_bytes()[:60])
    (folder / EMOJI["twitter"] / "1f436.png").write_bytes(b"not an image")
    with pytest.warns(UserWarning, match=r"2 images .*1f431\.png.*; 2 remain"):
        datasets = load_styles(folder)
    for dataset in datasets:
        assert set(by_concept(dataset)) == {"23-20e3", "2764"}


def test_no_image_remains(folder):
    for path in (folder / EMOJI["google"]).iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="4 images cannot be read.*and 1 more.*None"):
        load_styles(folder)
    for path in (folder / EMOJI["google"]).iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no images for this variant"):
        load_styles(folder)


def test_missing_packages(folder, monkeypatch):
    data_dir = str(folder.parent / "tfds")
    with pytest.raises(ValueError, match="(?s)npm install.*twitter.*manual_dir="):
        load("emoji_styles/en", split="google", data_dir=data_dir)
    with pytest.raises(FileNotFoundError, match="no folder manual_dir='/nowhere'"):
        load("emoji_styles/en", data_dir=data_dir, manual_dir="/nowhere")
    emoji_folder = folder / EMOJI["twitter"]
    emoji_folder.rename(emoji_folder.with_name("32"))
    missing = "(?s)has no node_modules/emoji-datasource-twitter.*npm install"
    with pytest.raises(FileNotFoundError, match=missing):
        load_styles(folder)
    emoji_folder.with_name("32").rename(emoji_folder)
    monkeypatch.setattr(emoji_style_images.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"mmkeras\[emoji\]"):
        load_styles(folder)


def test_a_tenth_of_the_concepts_is_marked():
    # 26 / 256 = 10.2%; of 4,000, the standard deviation is 0.5%.
    share = np.mean([_is_unseen(f"{number:x}") for number in range(4000)])
    assert 0.085 < share < 0.12
