import json

import pytest
import tensorflow as tf

from mmkeras.data import batch_samples, caption_texts, from_folder


@pytest.fixture
def folder(tmp_path):
    for index in range(6):
        pixels = tf.fill([4, 5, 3], tf.cast(index * 40, tf.uint8))
        (tmp_path / f"{index}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    return tmp_path


def write(folder, *rows, header="image,caption", name="captions.csv"):
    (folder / name).write_text("\n".join([header, *rows]), "utf-8")


def read(dataset):
    return [
        (s["image_id"].decode(), [c.decode() for c in s["captions"]])
        for s in dataset.as_numpy_iterator()
    ]


def test_csv_merges_the_captions_of_an_image(folder):
    write(folder, "0.png,one", '1.png,"two, and more"', "0.png,三只猫")
    dataset = from_folder(folder)
    assert read(dataset) == [("0.png", ["one", "三只猫"]), ("1.png", ["two, and more"])]
    assert dataset.cardinality() == 2
    first = next(iter(dataset))
    assert first["image"].numpy() == (folder / "0.png").read_bytes()
    assert list(caption_texts(dataset)) == ["one", "三只猫", "two, and more"]


def test_a_byte_order_mark_and_other_columns(folder):
    table = folder / "table.csv"
    table.write_text("file,text\n0.png,one\n", "utf-8-sig")
    dataset = from_folder(folder, table, image_column="file", caption_column="text")
    assert read(dataset) == [("0.png", ["one"])]


def test_jsonl(folder):
    lines = [json.dumps({"image": f"{i}.png", "caption": f"c{i}"}) for i in (0, 1)]
    (folder / "captions.jsonl").write_text("\n".join(lines) + "\n\n")
    assert read(from_folder(folder)) == [("0.png", ["c0"]), ("1.png", ["c1"])]


def test_text_files_beside_images(folder):
    for index in range(6):
        (folder / f"{index}.txt").write_text(f"one\n\n{index}\n")
    found = [(f"{index}.png", ["one", str(index)]) for index in range(6)]
    assert read(from_folder(folder)) == found


def test_hidden_files_and_folders_are_ignored(folder):
    for index in range(6):
        (folder / f"{index}.txt").write_text("one")
    (folder / "._0.png").write_bytes(b"")
    (folder / "old.png").mkdir()
    assert len(read(from_folder(folder))) == 6
    (folder / "3.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match=r"3\.txt is not in UTF-8 \(byte 3\)"):
        from_folder(folder)


def test_images_without_a_text_file_are_named(folder):
    for index in (0, 5):
        (folder / f"{index}.txt").write_text("one")
    with pytest.raises(ValueError, match=r"1\.png, 2\.png, 3\.png and 1 more"):
        from_folder(folder)


def test_a_text_file_beside_two_images_is_refused(folder):
    for index in range(6):
        (folder / f"{index}.txt").write_text("one")
    (folder / "3.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"3\.txt is beside both 3\.jpg and 3\.p"):
        from_folder(folder)


def test_links_in_the_folder_are_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "far.png"
    (folder / "0.png").rename(elsewhere)
    (folder / "0.png").symlink_to(elsewhere)
    write(folder, "0.png,one")
    assert read(from_folder(folder)) == [("0.png", ["one"])]
    linked = tmp_path_factory.mktemp("links") / "photos"
    linked.symlink_to(folder)
    assert read(from_folder(linked)) == [("0.png", ["one"])]


def test_datasets_share_no_image(folder):
    write(folder, *[f"{i}.png,c{i}" for i in range(6)], "0.png,again")
    train, validation = from_folder(folder, validation_fraction=1 / 3, seed=1)
    ids = [{i for i, _ in read(part)} for part in (train, validation)]
    assert (len(ids[0]), len(ids[1])) == (4, 2)
    assert not ids[0] & ids[1]
    again = from_folder(folder, validation_fraction=1 / 3, seed=1)[1]
    assert read(again) == read(validation)
    with pytest.raises(ValueError, match="validation_fraction"):
        from_folder(folder, validation_fraction=1.5)
    with pytest.raises(ValueError, match="one part would be empty"):
        from_folder(folder, validation_fraction=0.01)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (["0.png,"], ValueError, "line 2 has an empty 'caption' for '0.png'"),
        (["0.png,a", "9.png,b"], FileNotFoundError, "line 3 names the image '9.png'"),
        (
            ["0.png,a", "0.png,a"],
            ValueError,
            "line 3 repeats what earlier rows say of '0.png'",
        ),
        (["../x.png,a"], ValueError, "outside"),
        (["0.png,a,b"], ValueError, "double quotes"),
        ([], ValueError, "has no rows"),
    ],
)
def test_bad_rows_are_named(folder, rows, error, message):
    write(folder, *rows)
    with pytest.raises(error, match=message):
        from_folder(folder)


def test_missing_columns(folder):
    write(folder, "0.png,a", header="file,text")
    with pytest.raises(ValueError, match=r"no column 'image'; it has \['file', 'text'"):
        from_folder(folder)
    (folder / "x.jsonl").write_text('{"image": "0.png"}\n')
    with pytest.raises(ValueError, match="line 1 has no column 'caption'"):
        from_folder(folder, folder / "x.jsonl")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image": "0.png", "caption": 3}, "line 1 has 3 as 'caption'"),
        ({"image": "0.png", "caption": None}, "line 1 has None as 'caption'"),
        ({"image": "0.png", "caption": ["one", 2]}, "line 1 has 2 as 'caption'"),
        ({"image": "0.png", "caption": []}, "line 1 has an empty 'caption'"),
        ({"image": "0.png", "caption": ["one", " "]}, "line 1 has an empty 'caption'"),
        ({"image": 0, "caption": "one"}, "line 1 has 0 as 'image'"),
    ],
)
def test_values_must_be_strings(folder, row, message):
    (folder / "x.jsonl").write_text(json.dumps(row))
    with pytest.raises(ValueError, match=message):
        from_folder(folder, folder / "x.jsonl")


def test_a_list_of_captions(folder):
    row = {"image": "0.png", "caption": ["one", "two "]}
    (folder / "captions.jsonl").write_text(json.dumps(row))
    assert read(from_folder(folder)) == [("0.png", ["one", "two"])]


def tags(dataset, key="tags"):
    return [
        (s["image_id"].decode(), [tag.decode() for tag in s[key]])
        for s in dataset.as_numpy_iterator()
    ]


def test_tags_separated_in_a_cell(folder):
    rows = ("0.png,cute;small cat,A cat", "1.png,,Nothing", "0.png,cat ; wet,Again")
    write(folder, *rows, header="image,tags,title", name="labels.csv")
    dataset = from_folder(
        folder,
        table=folder / "labels.csv",
        columns={"tags": "tags", "titles": "title"},
        separators={"tags": " ;"},
    )
    assert tags(dataset) == [("0.png", ["cute", "small", "cat", "wet"]), ("1.png", [])]
    assert tags(dataset, "titles")[0] == ("0.png", ["A cat", "Again"])
    assert dataset.element_spec["tags"] == tf.TensorSpec([None], tf.string)
    train, validation = from_folder(
        folder,
        table=folder / "labels.csv",
        columns={"tags": "tags"},
        separators={"tags": " ;"},
        validation_fraction=0.5,
        seed=1,
    )
    assert sorted(tags(train) + tags(validation)) == tags(dataset)


def test_lists_of_tags_and_cells_that_are_one_value(folder):
    lines = [
        {"image": "0.png", "tags": ["a b", "c"]},
        {"image": "1.png", "tags": "a b"},
    ]
    (folder / "x.jsonl").write_text("\n".join(map(json.dumps, lines)))
    dataset = from_folder(folder, folder / "x.jsonl", columns={"tags": "tags"})
    assert tags(dataset) == [("0.png", ["a b", "c"]), ("1.png", ["a b"])]


def test_no_image_has_a_tag(folder):
    write(folder, "0.png,", "1.png,", header="image,tags")
    dataset = from_folder(folder, columns={"tags": "tags"}, separators={"tags": ";"})
    assert tags(dataset) == [("0.png", []), ("1.png", [])]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"columns": {}}, ValueError, "`columns` must be a dict"),
        ({"columns": "tags"}, ValueError, "`columns` must be a dict"),
        ({"columns": {"image": "tags"}}, ValueError, "key 'image' of `columns`"),
        ({"columns": {"tags": "tag"}}, ValueError, "no column 'tag'; .*columns..tags"),
        ({"separators": {"tags": ";"}}, ValueError, "`separators` must be a dict"),
        (
            {"columns": {"tags": "tags"}, "separators": {"tags": ""}},
            ValueError,
            "`separators` must be a dict",
        ),
        ({"columns": {"tags": "tags"}}, ValueError, "line 3 has an empty 'tags'"),
        (
            {"columns": {"tags": "tags"}, "separators": {"tags": ";"}},
            ValueError,
            "line 4 repeats what earlier rows say of '0.png'",
        ),
        (
            {"columns": {"tags": "tags"}, "table": None},
            FileNotFoundError,
            r"of which to read the columns \['tags'\]",
        ),
    ],
)
def test_columns_that_do_not_fit(folder, options, error, message):
    write(folder, "0.png,a", "1.png,", "0.png,a", header="image,tags", name="x.csv")
    with pytest.raises(error, match=message):
        from_folder(folder, **{"table": folder / "x.csv", **options})


def test_bad_tables(folder):
    with pytest.raises(FileNotFoundError, match="no folder"):
        from_folder(folder / "nowhere")
    with pytest.raises(FileNotFoundError, match="no table"):
        from_folder(folder, folder / "nothing.csv")
    with pytest.raises(ValueError, match="has no captions"):
        from_folder(folder)
    (folder / "a.jsonl").write_text('{"image": "0.png", "caption": "a"}\n{\n')
    with pytest.raises(ValueError, match="line 2 is not JSON"):
        from_folder(folder, folder / "a.jsonl")
    (folder / "b.csv").write_bytes("image,caption\n0.png,你".encode("gbk"))
    with pytest.raises(ValueError, match="not in UTF-8"):
        from_folder(folder, folder / "b.csv")
    with pytest.raises(ValueError, match="must end in .csv or .jsonl"):
        from_folder(folder, folder / "0.png")
    (folder / "3.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"3\.txt is empty"):
        from_folder(folder)


def test_iterators_of_batches_have_no_thread_that_tunes(folder):
    write(folder, "0.png,c0", "1.png,c1")
    dataset = from_folder(folder)
    for batches in (batch_samples(dataset, 4), batch_samples(dataset.ragged_batch(4))):
        assert batches.map(lambda batch: batch).options().autotune.enabled is False


def test_batches_and_their_order(folder):
    write(folder, *[f"{i}.png,c{i}" for i in range(6)], "0.png,again")
    dataset = from_folder(folder)
    batch = next(iter(batch_samples(dataset, 4)))
    assert batch["image"].shape == (4,)
    assert batch["captions"].to_list()[0] == [b"c0", b"again"]
    mixed = batch_samples(dataset, 6, shuffle_buffer=6, seed=0)
    first, second = ([b["image_id"].numpy().tolist() for b in mixed] for _ in range(2))
    assert first != second
    again = batch_samples(dataset, 6, shuffle_buffer=6, seed=0)
    assert [b["image_id"].numpy().tolist() for b in again] == first
    assert batch_samples(mixed, 2) is mixed
    with pytest.raises(ValueError, match="batch_size"):
        batch_samples(dataset, 0)
    with pytest.raises(ValueError, match="key 'image'"):
        batch_samples(tf.data.Dataset.range(3), 2)


def test_images_of_several_sizes():
    images = [tf.zeros([n, 3, 3], tf.uint8) for n in (2, 5)]
    dataset = tf.data.Dataset.from_generator(
        lambda: ({"image": p, "caption": "a"} for p in images),
        output_signature={
            "image": tf.TensorSpec([None, None, 3], tf.uint8),
            "caption": tf.TensorSpec([], tf.string),
        },
    )
    batch = next(iter(batch_samples(dataset, 2)))
    assert [tf.io.decode_png(p).shape[0] for p in batch["image"]] == [2, 5]
