import pytest
import tensorflow as tf

from mmkeras.data import from_question_csv


@pytest.fixture
def folder(tmp_path):
    for name in ("cat.png", "dog.png", "鸟.png"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def write(folder, *rows, header="image,question,answer", encoding="utf-8"):
    table = folder / "questions.csv"
    table.write_text("\n".join([header, *rows]) + "\n", encoding)
    return table


def read(dataset, *keys):
    return [
        (s["image_id"].decode(), *([t.decode() for t in s[key]] for key in keys))
        for s in dataset.as_numpy_iterator()
    ]


def test_rows_of_an_image_make_one_sample(folder):
    rows = (
        "cat.png,what is it?,cat",
        "鸟.png,这是什么？,鸟",
        'cat.png,"awake, or ""asleep""?"," asleep "',
    )
    dataset = from_question_csv(write(folder, *rows))
    assert read(dataset, "question", "answer") == [
        ("cat.png", ["what is it?", 'awake, or "asleep"?'], ["cat", "asleep"]),
        ("鸟.png", ["这是什么？"], ["鸟"]),
    ]
    assert dataset.cardinality() == 2
    assert dataset.element_spec == {
        "image": tf.TensorSpec([], tf.string),
        "image_id": tf.TensorSpec([], tf.string),
        "question": tf.TensorSpec([None], tf.string),
        "answer": tf.TensorSpec([None], tf.string),
    }
    assert next(iter(dataset))["image"].numpy() == b"cat.png"


def test_a_table_elsewhere_with_a_byte_order_mark(folder):
    (folder / "tables").mkdir()
    header = "file,asked,question_type,note"
    table = write(
        folder / "tables",
        "cat.png,what is it?,what,-",
        header=header,
        encoding="utf-8-sig",
    )
    dataset = from_question_csv(
        table,
        images=folder,
        image_column="file",
        question_column="asked",
        answer_column=None,
    )
    assert read(dataset, "question_type") == [("cat.png", ["what"])]
    assert "answer" not in dataset.element_spec


def test_datasets_share_no_image(folder):
    rows = [f"{name}.png,q{i},a" for i in range(3) for name in ("cat", "dog", "鸟")]
    table = write(folder, *rows)
    parts = from_question_csv(table, validation_fraction=1 / 3, seed=1)
    ids = [{row[0] for row in read(part)} for part in parts]
    assert (len(ids[0]), len(ids[1]), ids[0] & ids[1]) == (2, 1, set())


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (["cat.png,q,a", "cat.png,q2,"], ValueError, "line 3 has an empty answer in"),
        (["cat.png, ,a"], ValueError, "line 2 has an empty question in the column"),
        (["cow.png,q,a"], FileNotFoundError, "line 2 names the image 'cow.png'"),
        (["../x.png,q,a"], ValueError, "line 2 names .* outside"),
        (
            ["cat.png,q,a", "cat.png,q,b"],
            ValueError,
            "line 3 has a question about 'cat.png' again",
        ),
        (["cat.png,q,a,b"], ValueError, "line 2 .* 3 columns .* double quotes"),
        (["cat.png,q"], ValueError, "line 2 .* 3 columns .* double quotes"),
        (
            ['cat.png,"q,a', "x" * 150_000],
            ValueError,
            "not CSV after line 1.*not closed",
        ),
        ([], ValueError, "has no rows"),
    ],
)
def test_bad_rows_are_named(folder, rows, error, message):
    with pytest.raises(error, match=message):
        from_question_csv(write(folder, *rows))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "image,question,answer,answer",
            "csv has the column 'answer' 2 times",
        ),
        ("image;question;answer", "questions.csv has semicolons .* must be commas"),
        ("image\tquestion\tanswer", "questions.csv has tabs .* must be commas"),
    ],
)
def test_bad_headers(folder, header, message):
    with pytest.raises(ValueError, match=message):
        from_question_csv(write(folder, "cat.png,q,a,b", header=header))


def test_empty_columns_of_a_spreadsheet_are_ignored(folder):
    table = write(folder, "cat.png,q,a,,", header="image,question,answer,,")
    assert read(from_question_csv(table), "answer") == [("cat.png", ["a"])]


def test_a_folder_in_place_of_the_table(folder):
    write(folder)
    with pytest.raises(IsADirectoryError, match="is a folder.* it has questions.csv"):
        from_question_csv(folder)


def test_bad_tables(folder):
    with pytest.raises(ValueError, match="no column 'answer'.*and `answer_column=`"):
        from_question_csv(write(folder, "cat.png,a", header="image,question"))
    with pytest.raises(FileNotFoundError, match="There is no file .*none.csv"):
        from_question_csv(folder / "none.csv")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        from_question_csv(folder / "questions.csv", images=folder / "none")
    with pytest.raises(ValueError, match="not in UTF-8"):
        from_question_csv(write(folder, "cat.png,你好,a", encoding="gbk"))
