import pytest

from mmkeras.data import from_conceptual
from tests.data.official_files import captions_of, conceptual, write_image

TABLE = "Train_GCC-training.tsv"


def read(dataset):
    return [
        (s["image_id"].decode(), [c.decode() for c in s["captions"]])
        for s in dataset.as_numpy_iterator()
    ]


def test_missing_images_are_counted(tmp_path):
    path = conceptual(tmp_path, TABLE, "train", 5, dead=(0, 3))
    with pytest.warns(UserWarning, match="2 of 5 images"):
        dataset = from_conceptual(path, tmp_path / "train")
    found = [(f"{i:09d}", captions_of(i)[:1]) for i in (1, 2, 4)]
    assert read(dataset) == found
    file = tmp_path / "train" / "00000" / "000000001.jpg"
    assert next(iter(dataset))["image"].numpy() == file.read_bytes()
    # The official file has no header, which img2dataset asks for.
    path.write_text(path.read_text().removeprefix("caption\turl\n"))
    with pytest.warns(UserWarning, match="2 of 5 images"):
        assert read(from_conceptual(path, tmp_path / "train")) == found


def test_folders_of_ten_thousand(tmp_path):
    path = tmp_path / TABLE
    path.write_text("\n".join(f"caption {i}\thttp://x/{i}" for i in range(20_006)))
    # Row 20,005: the sixth of the third folder.
    write_image(tmp_path / "train" / "00002" / "000020005.jpg", 5)
    with pytest.warns(UserWarning, match="20005 of 20006"):
        dataset = from_conceptual(path, tmp_path / "train")
    assert read(dataset) == [("000020005", ["caption 20005"])]


def test_validation_fraction(tmp_path):
    path = conceptual(tmp_path, TABLE, "train", 8)
    train, validation = from_conceptual(
        path, tmp_path / "train", validation_fraction=0.25
    )
    assert (train.cardinality(), validation.cardinality()) == (6, 2)


def test_images_of_another_table(tmp_path):
    path = conceptual(tmp_path, TABLE, "train", 3, dead=(0,))
    # Without a row, each image is taken for that of the row after it.
    lines = path.read_text().split("\n")
    path.write_text("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(ValueError, match="line 3 has the address http://x.org/2.jpg"):
        from_conceptual(path, tmp_path / "train")
    (tmp_path / "train" / "00000" / "000000001.json").write_text("[]")
    with pytest.raises(
        ValueError, match="000000001.json, which img2dataset .* must be an object"
    ):
        from_conceptual(path, tmp_path / "train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a cat\thttp://x\na dog", "line 2 must be a caption, a tab and an address"),
        ("a cat\thttp://x\n \thttp://y", "line 2 has an empty caption"),
    ],
)
def test_bad_rows_are_named(tmp_path, text, message):
    path = tmp_path / TABLE
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        from_conceptual(path, tmp_path)


def test_no_images(tmp_path):
    path = conceptual(tmp_path, TABLE, "train", 2, dead=(0, 1))
    with pytest.raises(FileNotFoundError, match="no folder"):
        from_conceptual(path, tmp_path / "train")
    with pytest.raises(FileNotFoundError, match="none of the 2 images"):
        from_conceptual(path, tmp_path)
    with pytest.raises(FileNotFoundError, match="no file .*other.tsv"):
        from_conceptual(tmp_path / "other.tsv", tmp_path)
