"""The same file gets the same answer at each door: reader, source and command."""

import json

import pytest

from mmkeras.data import (
    from_coco,
    from_conceptual,
    from_flickr,
    from_folder,
    from_karpathy,
    from_question_csv,
    from_vqa,
)
from mmkeras.data.formats import (
    read_caption_references,
    read_caption_results,
    read_conceptual,
    read_csv,
    read_flickr_captions,
    read_json_lines,
    read_karpathy,
    read_vqa_annotations,
    read_vqa_questions,
    read_vqa_results,
)

COCO = {
    "images": [{"id": 1, "file_name": "1.jpg"}, {"id": 2, "file_name": "2.jpg"}],
    "annotations": [
        {"image_id": 1, "caption": "a dog"},
        {"image_id": 2, "caption": "a cat"},
    ],
}
CAPTIONS = [{"image_id": 1, "caption": "a dog"}, {"image_id": 2, "caption": "a cat"}]
QUESTIONS = {
    "questions": [
        {"question_id": 1, "image_id": 1, "question": "what?"},
        {"question_id": 2, "image_id": 2, "question": "what?"},
    ]
}
ANNOTATIONS = {
    "annotations": [
        {"question_id": 1, "image_id": 1, "answers": [{"answer": "dog"}]},
        {"question_id": 2, "image_id": 2, "answers": [{"answer": "cat"}]},
    ]
}
ANSWERS = [{"question_id": 1, "answer": "dog"}, {"question_id": 2, "answer": "cat"}]
KARPATHY = {
    "images": [
        {
            "filename": f"{i}.jpg",
            "cocoid": i,
            "split": "train",
            "sentences": [{"raw": "a"}],
        }
        for i in (1, 2)
    ]
}
JSON_FILES = {
    "coco.json": COCO,
    "captions.json": CAPTIONS,
    "questions.json": QUESTIONS,
    "annotations.json": ANNOTATIONS,
    "answers.json": ANSWERS,
    "karpathy.json": KARPATHY,
}
TEXT_FILES = {
    "table.csv": "image,caption,question,answer\n1.jpg,a,what?,b\n",
    "table.jsonl": '{"image": "1.jpg", "caption": "a"}\n',
    "tokens.token": "1.jpg#0\ta dog\n",
    "cc.tsv": "a dog\thttp://x\n",
}


class CommandError(ValueError):
    """What `mmkeras` printed."""


def command(*arguments):
    def run(folder, capsys):
        from mmkeras.cli.main import main

        code = main(
            ["evaluate", *(str(folder / a) if "." in a else a for a in arguments)]
        )
        if code:
            raise CommandError(capsys.readouterr().err)

    return run


# File, and functions of folder and `capsys` that read it.
DOORS = {
    "coco, reader": (
        "coco.json",
        lambda f, c: read_caption_references(f / "coco.json"),
    ),
    "coco, source": ("coco.json", lambda f, c: from_coco(f / "coco.json", f)),
    "coco, command": (
        "coco.json",
        command("captions.json", "--references", "coco.json", "--metrics", "BLEU-1"),
    ),
    "captions, reader": (
        "captions.json",
        lambda f, c: read_caption_results(f / "captions.json"),
    ),
    "captions, command": (
        "captions.json",
        command("captions.json", "--references", "coco.json", "--metrics", "BLEU-1"),
    ),
    "questions, reader": (
        "questions.json",
        lambda f, c: read_vqa_questions(f / "questions.json"),
    ),
    "questions, source": (
        "questions.json",
        lambda f, c: from_vqa(f / "questions.json", None, f),
    ),
    "annotations, reader": (
        "annotations.json",
        lambda f, c: read_vqa_annotations(f / "annotations.json"),
    ),
    "annotations, source": (
        "annotations.json",
        lambda f, c: from_vqa(f / "questions.json", f / "annotations.json", f),
    ),
    "annotations, command": (
        "annotations.json",
        command("answers.json", "--annotations", "annotations.json"),
    ),
    "answers, reader": (
        "answers.json",
        lambda f, c: read_vqa_results(f / "answers.json"),
    ),
    "answers, command": (
        "answers.json",
        command("answers.json", "--annotations", "annotations.json"),
    ),
    "karpathy, reader": (
        "karpathy.json",
        lambda f, c: read_karpathy(f / "karpathy.json"),
    ),
    "karpathy, source": (
        "karpathy.json",
        lambda f, c: from_karpathy(f / "karpathy.json", f),
    ),
    "csv, reader": ("table.csv", lambda f, c: list(read_csv(f / "table.csv", {}))),
    "csv, captions": ("table.csv", lambda f, c: from_folder(f, f / "table.csv")),
    "csv, questions": ("table.csv", lambda f, c: from_question_csv(f / "table.csv")),
    "lines, reader": (
        "table.jsonl",
        lambda f, c: list(read_json_lines(f / "table.jsonl", {})),
    ),
    "lines, source": ("table.jsonl", lambda f, c: from_folder(f, f / "table.jsonl")),
    "flickr, reader": (
        "tokens.token",
        lambda f, c: read_flickr_captions(f / "tokens.token"),
    ),
    "flickr, source": ("tokens.token", lambda f, c: from_flickr(f / "tokens.token", f)),
    "conceptual, reader": ("cc.tsv", lambda f, c: read_conceptual(f / "cc.tsv")),
    "conceptual, source": ("cc.tsv", lambda f, c: from_conceptual(f / "cc.tsv", f)),
}
JSON_DOORS = [name for name, (file, _) in DOORS.items() if file in JSON_FILES]


@pytest.fixture
def folder(tmp_path):
    for name, content in JSON_FILES.items():
        (tmp_path / name).write_text(json.dumps(content), "utf-8")
    for name, content in TEXT_FILES.items():
        (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "00000").mkdir()
    for name in ("1.jpg", "2.jpg", "00000/000000000.jpg"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def refused(door, folder, capsys, message, error=ValueError):
    file, read = DOORS[door]
    errors = (error, CommandError) if "command" in door else error
    with pytest.raises(errors, match=message) as raised:
        read(folder, capsys)
    assert str(folder / file) in str(raised.value)


@pytest.mark.parametrize("door", DOORS)
def test_a_byte_order_mark_is_accepted(door, folder, capsys):
    file, read = DOORS[door]
    read(folder, capsys)
    path = folder / file
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    read(folder, capsys)


def test_the_command_evaluates_answers(folder, capsys):
    rows = [{"answer": "dog"}] * 10, [{"answer": "cat"}] * 2 + [{"answer": "cow"}] * 8
    for number, answers in enumerate(rows):
        change(folder, "annotations.json", number, answers=answers)
    DOORS["answers, command"][1](folder, capsys)
    # (100 + 60) / 2, see `test_evaluate_answers.py`.
    assert json.loads(capsys.readouterr().out)["overall"] == 80.0


@pytest.mark.parametrize("door", DOORS)
def test_not_utf_8(door, folder, capsys):
    path = folder / DOORS[door][0]
    path.write_bytes(path.read_bytes() + "café".encode("latin-1"))
    refused(door, folder, capsys, r"is not in UTF-8 \(byte \d+\). Save it as UTF-8")


@pytest.mark.parametrize("door", DOORS)
def test_a_missing_file(door, folder, capsys):
    (folder / DOORS[door][0]).unlink()
    refused(door, folder, capsys, "There is no (file|table)", FileNotFoundError)


@pytest.mark.parametrize("door", DOORS)
def test_a_folder_in_place_of_the_file(door, folder, capsys):
    path = folder / DOORS[door][0]
    path.unlink()
    path.mkdir()
    (path / "inside.json").write_text("")
    refused(door, folder, capsys, "is a folder.*inside.json", IsADirectoryError)


@pytest.mark.parametrize("door", [*JSON_DOORS, "lines, reader", "lines, source"])
def test_not_json(door, folder, capsys):
    (folder / DOORS[door][0]).write_text("{\n")
    refused(door, folder, capsys, "is not JSON: ")


@pytest.mark.parametrize("door", JSON_DOORS)
@pytest.mark.parametrize("content", ["3", "null", '{"rows": []}', '{"images": {}}'])
def test_json_of_another_form(door, content, folder, capsys):
    (folder / DOORS[door][0]).write_text(content)
    refused(door, folder, capsys, "must be an? (object|list) .*Found: ")


def change(folder, file, number, **values):
    """Changes a row of a JSON file; `...` deletes the key."""
    content = json.loads((folder / file).read_text("utf-8"))
    rows = content
    if isinstance(content, dict):
        key = "images" if file in ("coco.json", "karpathy.json") else file[:-5]
        rows = content[key]
    rows[number] |= values
    for name, value in values.items():
        if value is ...:
            del rows[number][name]
    (folder / file).write_text(json.dumps(content), "utf-8")


ID_KEYS = {
    "coco.json": "id",
    "captions.json": "image_id",
    "questions.json": "question_id",
    "annotations.json": "question_id",
    "answers.json": "question_id",
    "karpathy.json": "cocoid",
}


@pytest.mark.parametrize("door", JSON_DOORS)
@pytest.mark.parametrize("value", [None, True, 1.5, [1], ""])
def test_ids_must_be_integers_or_strings(door, value, folder, capsys):
    file = DOORS[door][0]
    change(folder, file, 1, **{ID_KEYS[file]: value})
    refused(door, folder, capsys, r"(\[1\]|row 1).* must be an integer or a string")


@pytest.mark.parametrize("door", JSON_DOORS)
@pytest.mark.parametrize("value", [1, "1"])
def test_duplicated_ids(door, value, folder, capsys):
    file = DOORS[door][0]
    change(folder, file, 1, **{ID_KEYS[file]: value})
    refused(door, folder, capsys, r"(\[1\]|row 1).*(is duplicated|is a second)")


@pytest.mark.parametrize("door", JSON_DOORS)
def test_a_row_that_is_no_object(door, folder, capsys):
    file = DOORS[door][0]
    content = json.loads((folder / file).read_text("utf-8"))
    for rows in content.values() if isinstance(content, dict) else [content]:
        rows[1] = "row"
    (folder / file).write_text(json.dumps(content))
    refused(door, folder, capsys, r"(\[1\]|row 1) must be an object with .*'row'")


@pytest.mark.parametrize("door", [name for name in JSON_DOORS if "karp" not in name])
def test_a_missing_key(door, folder, capsys):
    file = DOORS[door][0]
    change(folder, file, 1, **{ID_KEYS[file]: ...})
    refused(door, folder, capsys, rf"(\[1\]|row 1) has no '{ID_KEYS[file]}'. Add it")


@pytest.mark.parametrize(
    ("doors", "values", "message"),
    [
        ("annotations", {"answers": []}, "not a list of objects with 'answer'"),
        ("annotations", {"answers": None}, "not a list of objects with 'answer'"),
        ("annotations", {"answers": ["cat"]}, "not a list of objects with 'answer'"),
        ("annotations", {"answers": [{"answer": 3}]}, "not a list of objects"),
        ("annotations", {"answers": [{"a": "b"}]}, "not a list of objects"),
        ("annotations", {"answer_type": None}, "has None as 'answer_type'"),
        ("annotations", {"question_type": 1}, "has 1 as 'question_type'"),
        ("annotations", {"image_id": None}, "has None as 'image_id'"),
        ("captions", {"caption": None}, "image 2 is not a string: None"),
        ("answers", {"answer": 3}, "question 2 is not a string: 3"),
        ("questions", {"question": ""}, "has '' as a question"),
        ("questions", {"image_id": 1.5}, "has 1.5 as 'image_id'"),
        ("coco", {"file_name": 3}, "has 3 as 'file_name'"),
        ("karpathy", {"filepath": None}, "has None as 'filepath'"),
        ("karpathy", {"sentences": "a"}, "has 'a' as 'sentences'"),
        ("karpathy", {"sentences": [{"raw": " "}]}, "has an empty caption"),
    ],
)
def test_values_of_another_kind(doors, values, message, folder, capsys):
    change(folder, f"{doors}.json", 1, **values)
    for door in JSON_DOORS:
        if door.startswith(f"{doors},"):
            refused(door, folder, capsys, message)


@pytest.mark.parametrize("door", ["coco, reader", "coco, source", "coco, command"])
@pytest.mark.parametrize(
    ("note", "message"),
    [
        ({"image_id": 3, "caption": "a"}, "caption of image 3, which is not among"),
        ({"image_id": "1", "caption": "a"}, "caption of image '1', which is not among"),
        ({"image_id": None, "caption": "a"}, "has None as 'image_id'"),
        ({"image_id": 1, "caption": " "}, "has an empty caption"),
        ({"image_id": 1, "caption": 2}, "has 2 as a caption"),
        ({"image_id": 1}, "has no 'caption'"),
    ],
)
def test_captions_of_coco(door, note, message, folder, capsys):
    content = {**COCO, "annotations": [*COCO["annotations"], note]}
    (folder / "coco.json").write_text(json.dumps(content))
    refused(door, folder, capsys, rf"annotations\[2\].*{message}")
    (folder / "coco.json").write_text(json.dumps({"images": COCO["images"]}))
    refused(door, folder, capsys, "must be an object with .*'annotations'")


@pytest.mark.parametrize("door", ["flickr, reader", "flickr, source"])
@pytest.mark.parametrize(
    ("text", "message"),
    [("\n", "has no captions"), ("a\tb", "line 1 must be"), ("a#0\t ", "an empty cap")],
)
def test_rows_of_flickr(door, text, message, folder, capsys):
    (folder / "tokens.token").write_text(text)
    refused(door, folder, capsys, message)


@pytest.mark.parametrize("door", ["conceptual, reader", "conceptual, source"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "has no rows"),
        ("a", "line 1 must be"),
        ("a\t ", "line 1 must be"),
        (" \thttp://x", "an empty caption"),
    ],
)
def test_rows_of_conceptual_captions(door, text, message, folder, capsys):
    (folder / "cc.tsv").write_text(text)
    refused(door, folder, capsys, message)
