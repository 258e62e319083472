import io

import pytest
from manual_packages import CLIP_ART, write_clip_art
from PIL import Image

from mmkeras.data import load


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sources"


@pytest.fixture
def add(folder):
    """Write an image, by default of a different size each time."""
    sizes = iter(range(20, 100))

    def write(name, title, **image):
        side = next(sizes)
        write_clip_art(folder, name, title, **{"size": (side, side), **image})

    return write


def clip_art(folder, variant="plain", split="all"):
    dataset = load(
        f"open_clip_art/{variant}",
        split=split,
        data_dir=str(folder.parent / "tfds"),
        manual_dir=str(folder),
    )
    return {row["image_id"].decode(): row for row in dataset.as_numpy_iterator()}


def captions(rows):
    return {name: row["captions"][0].decode() for name, row in rows.items()}


def test_captions_are_readable_titles(folder, add):
    titles = {
        "Red_Ball": "Red Ball",
        "Clipart by Jane Doe - red_ball_01": "red ball",
        "bee2": "bee",
        "Peace symbol #12": "Peace symbol",
        "G8": "G8",
        "Box 40x30x80": "Box 40x30x80",
        "Dog &amp;amp; cat": "Dog & cat",
    }
    for index, title in enumerate(titles):
        add(f"animals/file{index}", title)
    # An empty title, and a number.
    add("animals/none", " ")
    add("animals/number", "007")
    rows = clip_art(folder)
    assert sorted(captions(rows).values()) == sorted(titles.values())
    row = rows["animals/file0"]
    assert [word.decode() for word in row["keywords"]] == ["animal", "pet"]
    assert row["category"] == b"animals"


def test_titles_of_collections_are_not_captions(folder, add):
    for index, name in enumerate(("globe", "arrow", "lemon_theme")):
        add(f"office/{name}{index}", "Lemon Theme")
        add(f"animals/big_cat_{index}", "Cat")
    for name in ("pear", "apple"):
        add(f"food/{name}", "Pear")
    # Three images have each title, two have "Pear"; "Cat" and one "Lemon Theme" are in
    # the file name.
    assert captions(clip_art(folder)) == {
        "animals/big_cat_0": "Cat",
        "animals/big_cat_1": "Cat",
        "animals/big_cat_2": "Cat",
        "office/lemon_theme2": "Lemon Theme",
        "food/pear": "Pear",
        "food/apple": "Pear",
    }


def test_plain_excludes_icons_flags_and_shapes(folder, add):
    add("computer/mouse", "Mouse")
    for name in ("computer/icons/a", "signs_and_symbols/flags/b", "shapes/c"):
        add(name, f"Title {name[-1]}")
    assert set(clip_art(folder)) == {"computer/mouse"}
    assert len(clip_art(folder, "all")) == 4


def test_images_are_cropped_scaled_and_used_once(folder, add):
    add("animals/ant", "Ant", size=(700, 700), box=(100, 300, 611, 427))
    # The drawing is 512 × 128; its longer side is scaled to 256.
    add("animals/emmet", "Emmet", size=(600, 600), box=(0, 0, 511, 127))
    link = folder / CLIP_ART / "png" / "animals" / "link.png"
    link.symlink_to("ant.png")
    rows = clip_art(folder)
    assert list(rows) == ["animals/ant"]
    image = Image.open(io.BytesIO(rows["animals/ant"]["image"]))
    assert (image.mode, image.size) == ("RGB", (256, 64))


def test_images_with_the_same_title_are_in_the_same_split(folder, add):
    for index in range(12):
        add(f"animals/cat_{index}", f"cat {index}")
        add(f"animals/dog_{index}", "Dog")
    splits = [
        {name[8:11] for name in clip_art(folder, split=split)}
        for split in ("train", "test")
    ]
    assert sorted(map(list, splits)) == [["cat"], ["dog"]]


def test_unreadable_images_are_skipped(folder, add):
    for name in ("cat", "dog", "ant", "bee"):
        add(f"animals/{name}", name)
    (folder / CLIP_ART / "png/animals/dog.png").write_bytes(b"GIF89a")
    (folder / CLIP_ART / "svg/animals/ant.svg").write_text("<svg>")
    (folder / CLIP_ART / "svg/animals/bee.svg").unlink()
    add("animals/snow", "Snow", colour="white")
    with pytest.warns(UserWarning, match=r"4 images .*and 1 more.*; 1 remain"):
        assert captions(clip_art(folder)) == {"animals/cat": "cat"}


def test_a_missing_package(folder, add):
    tfds_dir = str(folder.parent / "tfds")
    with pytest.raises(ValueError, match="(?s)openclipart-png openclipart-svg.*_dir="):
        load("open_clip_art/plain", data_dir=tfds_dir)
    (folder / CLIP_ART / "png").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="(?s)no usr/share/openclipart/svg.*-x"):
        clip_art(folder)
