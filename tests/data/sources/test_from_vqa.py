import json

import pytest
import tensorflow as tf

from mmkeras.data import batch_samples, from_vqa

# Question id: image, question, answers and the most frequent of them.
ASKED = {
    262148000: (262148, "Where is he looking?", ["down", "at table", "down"], "down"),
    393225000: (393225, "How many? ", ["two", "2", "2"], "2"),
    262148001: (262148, "他在看哪里？", ["下面", "下面", "桌子"], "下面"),
}


def write_image(path):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(path.name.encode())


@pytest.fixture
def folder(tmp_path):
    questions = [
        {"image_id": image, "question": text, "question_id": question_id}
        for question_id, (image, text, *_) in ASKED.items()
    ]
    annotations = [
        {
            "question_id": question_id,
            "image_id": image,
            "question_type": "what is",
            "answer_type": "number" if common == "2" else "other",
            "multiple_choice_answer": common,
            "answers": [
                {"answer": answer, "answer_confidence": "yes", "answer_id": number}
                for number, answer in enumerate(answers, 1)
            ],
        }
        for question_id, (image, _, answers, common) in reversed(ASKED.items())
    ]
    write(tmp_path, "questions", questions)
    write(tmp_path, "annotations", annotations)
    write_image(tmp_path / "images" / "COCO_val2014_000000262148.jpg")
    write_image(tmp_path / "images" / "000000393225.jpg")
    write_image(tmp_path / "images" / "000000000007.jpg")
    return tmp_path


def write(folder, key, rows, name=None):
    data = {"data_subtype": "val2014", key: rows}
    (folder / f"{name or key}.json").write_text(json.dumps(data), "utf-8")


def change(folder, key, number, **values):
    rows = json.loads((folder / f"{key}.json").read_text("utf-8"))[key]
    rows[number] = {**rows[number], **values}
    for name in [name for name, value in values.items() if value is ...]:
        del rows[number][name]
    write(folder, key, rows)


def read(folder, annotations="annotations.json", images="images", **kwargs):
    annotations = annotations and folder / annotations
    return from_vqa(folder / "questions.json", annotations, folder / images, **kwargs)


def rows(dataset):
    return {s["image_id"].decode(): s for s in dataset.as_numpy_iterator()}


def strings(array):
    return [text.decode() for text in array]


def test_one_sample_for_each_image(folder):
    dataset = read(folder)
    assert dataset.cardinality() == 2
    found = rows(dataset)
    assert list(found) == ["262148", "393225"]
    sample = found["262148"]
    assert sample["image"] == b"COCO_val2014_000000262148.jpg"
    assert strings(sample["question"]) == ["Where is he looking?", "他在看哪里？"]
    assert strings(sample["question_id"]) == ["262148000", "262148001"]
    assert strings(sample["answer"]) == ["down", "下面"]
    assert strings(sample["answers"][1]) == ["下面", "下面", "桌子"]
    assert strings(found["393225"]["answer_type"]) == ["number"]
    assert strings(found["393225"]["question"]) == ["How many?"]
    assert dataset.element_spec["answers"] == tf.TensorSpec([None, 3], tf.string)


def test_batches_are_ragged(folder):
    batch = next(iter(batch_samples(read(folder), 2)))
    assert batch["question"].row_lengths().numpy().tolist() == [2, 1]
    assert batch["answers"].to_list()[1] == [[b"two", b"2", b"2"]]


def test_a_test_split_has_no_answers(folder):
    spec = read(folder, annotations=None).element_spec
    assert set(spec) == {"image", "image_id", "question", "question_id"}


def test_optional_keys_are_those_of_the_file(folder):
    for number in range(3):
        change(folder, "annotations", number, multiple_choice_answer=..., extra=1)
    assert "answer" not in read(folder).element_spec
    change(folder, "annotations", 2, multiple_choice_answer="down")
    with pytest.raises(ValueError, match="393225000.* has no 'multiple_choice"):
        read(folder)


@pytest.mark.parametrize(
    "name",
    ["abstract_v002_val2015_000000262148.png", "262148.jpeg", "COCO_x_262148.JPG"],
)
def test_names_of_images(folder, name):
    images = folder / "images"
    (images / "COCO_val2014_000000262148.jpg").rename(images / name)
    assert rows(read(folder))["262148"]["image"] == b"COCO_val2014_000000262148.jpg"


def test_a_folder_of_the_split_in_the_folder(folder):
    (folder / "images").rename(folder / "val2014")
    assert len(rows(read(folder, images="."))) == 2


def test_datasets_share_no_image(folder):
    first, second = read(folder, validation_fraction=0.5)
    assert [len(rows(part)) for part in (first, second)] == [1, 1]
    assert not rows(first).keys() & rows(second).keys()
    with pytest.raises(ValueError, match="one part would be empty"):
        read(folder, validation_fraction=0.1)


def test_missing_and_duplicated_images(folder):
    images = folder / "images"
    write_image(images / "COCO_val2014_000000393225.jpg")
    with pytest.raises(ValueError, match="two images of number 393225: 000000393225"):
        read(folder)
    (images / "COCO_val2014_000000393225.jpg").unlink()
    (images / "000000393225.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="393225000.*no file of it.*`images`"):
        read(folder)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        read(folder, images="nowhere")


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        (
            "questions",
            {"question": " "},
            r"\[0\] \(question_id 262148000\) has . . as a",
        ),
        ("questions", {"question": ["a"]}, r"has \['a'\] as a question"),
        ("questions", {"question": ...}, r"questions\[0\] has no 'question'"),
        ("questions", {"question_id": 393225000}, "393225000 is duplicated"),
        (
            "questions",
            {"question_id": None},
            r"\[0\] has None as 'question_id'",
        ),
        ("questions", {"question_id": 1.5}, r"has 1.5 as 'question_id', .* an integer"),
        ("questions", {"question_id": 5}, "no annotation of question_id 5, .*=None"),
        ("questions", {"image_id": 7}, "262148000 for the image 262148, .* for 7"),
        ("annotations", {"answers": ["yes"]}, "262148001.* not a list of objects"),
        ("annotations", {"image_id": ...}, "262148001.* has no .image_id"),
        ("questions", {"image_id": None}, "has None as .image_id"),
        ("annotations", {"answers": []}, "262148001.* not a list of objects"),
        ("annotations", {"answers": ["a", 3, "b"]}, "are not a list of objects with"),
        ("annotations", {"answers": ...}, r"annotations\[0\] has no 'answers'"),
        (
            "annotations",
            {"answers": [{"answer": "a"}]},
            "262148001.* has 1 answers, .* has 3",
        ),
        ("annotations", {"answer_type": 1}, "262148001.* has 1 as 'answer_type'"),
    ],
)
def test_bad_rows_are_named(folder, key, values, message):
    change(folder, key, 0, **values)
    with pytest.raises(ValueError, match=message):
        read(folder)


def test_annotations_of_unknown_questions(folder):
    data = json.loads((folder / "questions.json").read_text("utf-8"))["questions"]
    write(folder, "questions", data[:2])
    with pytest.raises(ValueError, match="question_id 262148001, which is not in"):
        read(folder)
    write(folder, "questions", [])
    with pytest.raises(ValueError, match="has no questions"):
        read(folder)


def test_other_files(folder):
    with pytest.raises(FileNotFoundError, match="There is no file .*nothing.json"):
        read(folder, annotations="nothing.json")
    swapped = folder / "annotations.json", folder / "questions.json"
    with pytest.raises(ValueError, match="object with .questions.*are two files"):
        from_vqa(*swapped, folder / "images")
    (folder / "questions.json").write_text("[1")
    with pytest.raises(ValueError, match="questions.json is not JSON"):
        read(folder)
    (folder / "questions.json").write_text("[]")
    with pytest.raises(ValueError, match="object with .questions.*Found: a list"):
        read(folder)
