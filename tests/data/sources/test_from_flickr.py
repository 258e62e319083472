import pytest

from mmkeras.data import find_flickr_list, from_flickr
from tests.data.official_files import captions_of, flickr8k, write_image

SPLITS = ("train", "dev", "train", "test")


def read(dataset):
    return [
        (s["image_id"].decode(), [c.decode() for c in s["captions"]])
        for s in dataset.as_numpy_iterator()
    ]


def test_tokens_and_their_lists(tmp_path):
    path = flickr8k(tmp_path, SPLITS)
    images = tmp_path / "Flicker8k_Dataset"
    everything = from_flickr(path, images)
    assert read(everything) == [(f"{i}_ab.jpg", captions_of(i)) for i in range(4)]
    first = next(iter(everything))["image"].numpy()
    assert first == (images / "0_ab.jpg").read_bytes()
    for split, indices in {"train": (0, 2), "val": (1,), "test": (3,)}.items():
        part = from_flickr(path, images, find_flickr_list(path, split))
        assert read(part) == [(f"{i}_ab.jpg", captions_of(i)) for i in indices]
    train, held_out = from_flickr(path, images, validation_fraction=0.25, seed=1)
    assert (train.cardinality(), held_out.cardinality()) == (3, 1)


def test_captions_with_other_line_separators(tmp_path):
    write_image(tmp_path / "1#2.jpg", 1)
    path = tmp_path / "results_20130124.token"
    path.write_text("1#2.jpg#0\ta \u2028 b\r\n1#2.jpg#1\tc\td\r\n", newline="")
    assert read(from_flickr(path, tmp_path)) == [("1#2.jpg", ["a \u2028 b", "c\td"])]


def test_the_table_of_flickr30k(tmp_path):
    for index in (7, 8):
        write_image(tmp_path / f"{index}.jpg", index)
    path = tmp_path / "results.csv"
    path.write_text(
        "image_name| comment_number| comment\n"
        "7.jpg| 0| Two young guys , one | with hair .\n"
        "7.jpg| 1| Two men\n8.jpg| 0| A dog\n"
    )
    seven = ("7.jpg", ["Two young guys , one | with hair .", "Two men"])
    assert read(from_flickr(path, tmp_path)) == [seven, ("8.jpg", ["A dog"])]
    # Flickr30k Entities leaves the ending out.
    (tmp_path / "train.txt").write_text("7\n")
    listed = find_flickr_list(path, "train")
    assert read(from_flickr(path, tmp_path, listed)) == [seven]
    # A row of the file that is handed round lacks its second bar.
    path.write_text(path.read_text() + "8.jpg| 4   A dog runs\n")
    with pytest.raises(ValueError, match=r"line 5 must be 'name.jpg\| 0\| caption'"):
        from_flickr(path, tmp_path)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "has no captions"),
        ("0_ab.jpg\ta", ValueError, "line 1 must be 'name.jpg#0<tab>caption'"),
        ("0_ab.jpg#0\ta\n0_ab.jpg#1 b", ValueError, "line 2 must be"),
        ("0_ab.jpg#0\ta\n\n0_ab.jpg#1\t \n", ValueError, "line 3 has an empty caption"),
        ("9_ab.jpg#0\ta", FileNotFoundError, "names '9_ab.jpg'.*delete what names it"),
    ],
)
def test_bad_rows_are_named(tmp_path, text, error, message):
    path = flickr8k(tmp_path, SPLITS)
    path.write_text(text)
    with pytest.raises(error, match=message):
        from_flickr(path, tmp_path / "Flicker8k_Dataset")


def test_bad_lists(tmp_path):
    path = flickr8k(tmp_path, SPLITS)
    images = tmp_path / "Flicker8k_Dataset"
    listed = tmp_path / "list.txt"
    with pytest.raises(FileNotFoundError, match="no file .*list.txt"):
        from_flickr(path, images, listed)
    listed.write_text("0_ab.jpg\nother\n")
    with pytest.raises(ValueError, match="list.txt, line 2 names 'other'"):
        from_flickr(path, images, listed)
    listed.write_text("0_ab.jpg\n1_ab.jpg\n0_ab\n")
    with pytest.raises(ValueError, match="line 3 names '0_ab' again, after line 1"):
        from_flickr(path, images, listed)
    listed.write_text("\n")
    with pytest.raises(ValueError, match="list.txt names no images"):
        from_flickr(path, images, listed)
    with pytest.raises(ValueError, match="one of 'train', 'val', 'test'"):
        find_flickr_list(path, "dev")
    assert find_flickr_list(tmp_path / "elsewhere" / "x.token", "val") is None
