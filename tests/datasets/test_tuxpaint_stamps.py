import numpy as np
import pytest
import tensorflow_datasets as tfds
from manual_packages import STAMPS, write_image, write_stamp
from PIL import Image

from mmkeras.data import load
from mmkeras.datasets import TuxpaintStamps, TuxpaintStampsConfig

DUCK = "A duck. 2=2\nfr.utf8=Un canard.\nzh_CN.utf8=一只鸭子。\nzh_TW.utf8=\n"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "sources"
    write_stamp(root, "animals/duck", DUCK)
    write_stamp(root, "food/cartoon/yam", "A yam.\n", size=(600, 300))
    write_stamp(root, "food/nut", "A nut.\n")
    # An SVG only, and an image without a text.
    write_stamp(root, "plants/oak", "An oak.\n")
    oak = root / STAMPS / "plants" / "oak.png"
    oak.rename(oak.with_suffix(".svg"))
    write_image(root / STAMPS / "animals" / "duck_mirror.png")
    return root


def stamps(folder, variant, data_dir="tfds"):
    dataset = load(
        f"tuxpaint_stamps/{variant}",
        split="all",
        data_dir=str(folder.parent / data_dir),
        manual_dir=str(folder),
    )
    return {row["image_id"].decode(): row for row in dataset.as_numpy_iterator()}


def texts(row, key):
    return [text.decode() for text in row[key]]


def test_stamps_with_a_caption_in_the_language(folder):
    english = stamps(folder, "en")
    assert {name: texts(row, "captions") for name, row in english.items()} == {
        "animals/duck": ["A duck. 2=2"],
        "food/cartoon/yam": ["A yam."],
        "food/nut": ["A nut."],
    }
    assert english["food/cartoon/yam"]["category"] == b"food"
    chinese = stamps(folder, "zh_cn")
    assert list(chinese) == ["animals/duck"]
    assert texts(chinese["animals/duck"], "captions") == ["一只鸭子。"]
    builder = tfds.builder("tuxpaint_stamps/en", data_dir=str(folder.parent / "tfds"))
    assert builder.info.metadata["svg_only"] == 1


def test_all_languages(folder):
    rows = stamps(folder, "multilingual")
    assert texts(rows["animals/duck"], "languages") == ["en", "fr", "zh_CN"]
    assert texts(rows["animals/duck"], "captions")[1] == "Un canard."
    assert texts(rows["food/nut"], "languages") == ["en"]
    with pytest.raises(ValueError, match="no images for this variant"):
        stamps(folder, "zh_tw")


def test_the_same_folder_makes_the_same_rows(folder):
    first, again = stamps(folder, "en"), stamps(folder, "en", "elsewhere")
    assert list(first) == list(again)
    assert [row["image"] for row in first.values()] == [
        row["image"] for row in again.values()
    ]


def test_a_custom_language(folder):
    config = TuxpaintStampsConfig(name="fr", language="fr")
    builder = TuxpaintStamps(config=config, data_dir=folder.parent / "tfds")
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=folder)
    )
    (row,) = builder.as_dataset(split="all")
    assert row["captions"][0].numpy().decode() == "Un canard."


def test_photographs_are_recognised_by_their_grain_and_large_images_scaled(folder):
    grain = np.random.default_rng(0).integers(0, 256, (300, 600, 3), np.uint8)
    for name in ("food/cartoon/yam", "food/nut"):
        Image.fromarray(grain).save(folder / STAMPS / f"{name}.png")
    rows = stamps(folder, "en")
    photos = {name: bool(row["photo"]) for name, row in rows.items()}
    assert photos == {
        "animals/duck": False,
        "food/cartoon/yam": False,
        "food/nut": True,
    }
    builder = tfds.builder("tuxpaint_stamps/en", data_dir=str(folder.parent / "tfds"))
    sides = {row["image"].shape[:2] for row in builder.as_dataset(split="all")}
    # 600 × 300 scaled so that the longer side has 256 pixels.
    assert sides == {(64, 64), (128, 256)}


def test_unreadable_images_are_skipped(folder):
    (folder / STAMPS / "food" / "nut.png").write_bytes(b"")
    (folder / STAMPS / "animals" / "duck.txt").write_bytes("Größe".encode("latin-1"))
    with pytest.warns(UserWarning, match="2 images .*duck.*utf-8.*nut.*; 1 remain"):
        assert set(stamps(folder, "en")) == {"food/cartoon/yam"}


def test_a_missing_package(folder):
    tfds_dir, empty = str(folder.parent / "tfds"), folder / STAMPS / "plants"
    with pytest.raises(ValueError, match="(?s)apt-get download tuxpaint.*manual_dir="):
        load("tuxpaint_stamps/en", data_dir=tfds_dir)
    with pytest.raises(FileNotFoundError, match="(?s)no usr/share/tuxpaint.*dpkg -x"):
        load("tuxpaint_stamps/en", data_dir=tfds_dir, manual_dir=str(empty))
