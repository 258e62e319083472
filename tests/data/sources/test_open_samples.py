import json

import pytest

from mmkeras.data import Source, from_folder, open_samples, register_source
from mmkeras.data.sources import open_samples as module
from mmkeras.data.sources import registry
from tests.data.official_files import conceptual, flickr8k, karpathy

SPLITS = ("train",) * 8 + ("val", "val", "test", "test")


def ids(dataset):
    return [sample["image_id"].numpy().decode() for sample in dataset]


def sizes(parts):
    return [int(part.cardinality()) for part in parts]


@pytest.fixture
def folder(tmp_path):
    """Twelve images with a caption and two questions each."""
    captions, questions = ["image,caption"], ["image,question,answer"]
    for index in range(12):
        (tmp_path / f"{index}.png").write_bytes(b"")
        captions.append(f"{index}.png,image {index}")
        questions += [f"{index}.png,q{n}?,a{n}" for n in range(2)]
    (tmp_path / "captions.csv").write_text("\n".join(captions))
    (tmp_path / "questions.csv").write_text("\n".join(questions))
    return tmp_path


def coco(folder):
    images = [{"id": i, "file_name": f"{i}.png"} for i in range(12)]
    notes = [{"image_id": i, "caption": f"image {i}"} for i in range(12)]
    path = folder / "captions.json"
    path.write_text(json.dumps({"images": images, "annotations": notes}))
    return {"data": f"coco:{path}", "images": str(folder)}


def vqa(folder):
    (folder / "000000000077.jpg").write_bytes(b"")
    question = {"question_id": 1, "image_id": 77, "question": "what?"}
    row = {"question_id": 1, "image_id": 77, "answers": [{"answer": "dog"}]}
    (folder / "q.json").write_text(json.dumps({"questions": [question]}))
    (folder / "a.json").write_text(json.dumps({"annotations": [row]}))
    return {
        "data": f"vqa:{folder / 'q.json'}",
        "needs": "question",
        "annotations": str(folder / "a.json"),
        "images": str(folder),
    }


@pytest.mark.parametrize("needs", ["caption", "question"])
def test_a_folder(needs, folder):
    dataset = open_samples(str(folder), needs)
    assert ids(dataset) == [f"{index}.png" for index in range(12)]
    assert {"caption": "captions", "question": "answer"}[needs] in dataset.element_spec
    (folder / "other.csv").write_text((folder / f"{needs}s.csv").read_text())
    table = {f"{needs}s": str(folder / "other.csv")}
    dataset = open_samples(str(folder), needs, **table)
    assert ids(dataset.take(1)) == ["0.png"]


@pytest.mark.parametrize("kind", ["caption", "question", "coco"])
def test_validation_is_held_out(kind, folder):
    source = coco(folder) if kind == "coco" else {"data": str(folder), "needs": kind}
    options = {"validation_fraction": 0.25, "seed": 1, "limit": 7}
    train, validation = open_samples(**source, **options)
    # A quarter of 12; the schedule of the learning rate needs known sizes.
    assert sizes((train, validation)) == [7, 3]
    parts = ids(train), ids(validation)
    assert (len(parts[0]), len(parts[1])) == (7, 3)
    assert not set(parts[0]) & set(parts[1])
    assert parts == tuple(map(ids, open_samples(**source, **options)))
    train, validation = open_samples(**source, validation_fraction=0.0, limit=5)
    assert (int(train.cardinality()), validation) == (5, None)
    assert int(open_samples(**source, limit=4).cardinality()) == 4


def test_official_questions(folder):
    dataset = open_samples(**vqa(folder))
    sample = next(iter(dataset))
    assert sample["answers"].numpy().tolist() == [[b"dog"]]


def test_official_splits_of_karpathy(tmp_path):
    path = karpathy(tmp_path, "dataset_flickr8k.json", SPLITS)
    source = {"data": f"karpathy:{path}", "images": str(tmp_path / "images")}
    assert sizes([open_samples(**source, split="test")]) == [2]
    assert sizes(open_samples(**source, validation_fraction=0.5)) == [8, 2]
    train, validation = open_samples(**source, split="test", validation_fraction=0.0)
    assert (sizes([train]), validation) == ([8], None)
    with pytest.raises(ValueError, match="one of 'train', 'val', 'test'.*'dev'"):
        open_samples(**source, split="dev")


def test_all_lists_of_flickr_or_none(tmp_path):
    path = flickr8k(tmp_path, [split.replace("val", "dev") for split in SPLITS])
    source = {"data": f"flickr:{path}", "images": str(tmp_path / "Flicker8k_Dataset")}
    assert sizes([open_samples(**source, split="test")]) == [2]
    assert sizes(open_samples(**source, validation_fraction=0.25)) == [8, 2]
    (tmp_path / "Flickr_8k.trainImages.txt").unlink()
    for options in ({}, {"validation_fraction": 0.25}):
        with pytest.raises(ValueError, match="none of 'train'. Put all three"):
            open_samples(**source, **options)
    for rest in ("dev", "test"):
        (tmp_path / f"Flickr_8k.{rest}Images.txt").unlink()
    # A quarter of all 12 is held out.
    assert sizes(open_samples(**source, validation_fraction=0.25)) == [9, 3]
    assert sizes([open_samples(**source)]) == [12]


def test_conceptual_captions(tmp_path):
    path = conceptual(tmp_path, "cc.tsv", "train", 8)
    source = {"data": f"conceptual:{path}", "images": str(tmp_path / "train")}
    # The file is one split as a whole.
    assert sizes([open_samples(**source, split="test")]) == [8]
    assert sizes(open_samples(**source, validation_fraction=0.25)) == [6, 2]


@pytest.mark.parametrize("kind", ["coco", "karpathy", "flickr", "conceptual", "vqa"])
def test_annotation_files_need_the_folder_of_their_images(kind):
    needs = "question" if kind == "vqa" else "caption"
    with pytest.raises(
        ValueError, match=rf"{kind}:x needs the folder of the images: `im"
    ):
        open_samples(f"{kind}:x", needs)
    with pytest.raises(ValueError, match="`captions` .--captions. does not go with"):
        open_samples(f"{kind}:x", needs, captions="c", images="i")
    with pytest.raises(FileNotFoundError):
        open_samples(f"{kind}:x", needs, images="i")


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (
            "coco:c.json",
            {"annotations": "a"},
            "which has `images` .--images.. Received",
        ),
        ("easy_vqa", {"annotations": "a.json"}, "Received: annotations='a.json'"),
        ("easy_vqa", {"questions": "a.csv"}, "no options. Received: questions='a.csv'"),
        ("easy_vqa", {"images": "i"}, "no options. Received: images='i'"),
        (
            ".",
            {"images": "i"},
            "which has `captions` .--captions.. Received: images='i'",
        ),
        (".", {"needs": "answer"}, "`needs` must be 'caption' or 'question'"),
        (".", {"limit": 0}, "`limit` must be an integer of at least 1"),
        (
            ".",
            {"validation_fraction": "a tenth"},
            "`validation_fraction` must be a num",
        ),
        ("vqa:q.json", {"images": "i"}, "samples with 'question', and 'caption' is"),
        (
            "coco:c.json",
            {"needs": "question", "images": "i"},
            "'question' is needed. Give a folder .*questions.csv, vqa:QUESTIONS.json",
        ),
    ],
)
def test_what_does_not_go_together(data, options, message):
    with pytest.raises(ValueError, match=message):
        open_samples(data, **options)


@pytest.mark.parametrize("data", ["./none", "koko:file.json", ""])
def test_data_that_do_not_exist(data):
    with pytest.raises(FileNotFoundError, match="no folder .*coco:FILE.json.*TFDS"):
        open_samples(data)


def test_unknown_names_of_tfds():
    with pytest.raises(ValueError, match="no folder emoji_scene, .*mean emoji_scenes"):
        open_samples("emoji_scene")
    # The dataset exists, and says which variants it has.
    with pytest.raises(ValueError, match="^'emoji_scenes/medium' is not a variant"):
        open_samples("emoji_scenes/medium")


@pytest.mark.parametrize("has_validation", [True, False])
def test_splits_of_tfds(has_validation, monkeypatch):
    class Builder:
        class info:
            splits = {"train", "test"} | ({"validation"} if has_validation else set())

    opened = []

    def load(name, split="train"):
        opened.append(split)
        return split

    monkeypatch.setattr("tensorflow_datasets.builder", lambda name: Builder)
    monkeypatch.setattr(module, "load", load)
    expected = ("train[20%:]", "train[:20%]")
    if has_validation:
        expected = ("train", "validation")
    assert open_samples("images", validation_fraction=0.2) == expected
    assert open_samples("images", split="test") == "test"
    assert open_samples("images", split="test", validation_fraction=0) == (
        "train",
        None,
    )


def test_a_source_of_a_plugin(folder, monkeypatch):
    monkeypatch.setattr(registry, "FOLDERS", dict(registry.FOLDERS))
    monkeypatch.setattr(registry, "FILES", dict(registry.FILES))
    monkeypatch.setattr(module, "FOLDERS", registry.FOLDERS)
    monkeypatch.setattr(module, "FILES", registry.FILES)

    def read(path, labels, validation_fraction=None, seed=0):
        return from_folder(
            path,
            labels,
            columns={"tags": "caption"},
            validation_fraction=validation_fraction,
            seed=seed,
        )

    options = {"labels": "the table of the tags"}
    source = Source(read, "tags", "a folder with tags", options, ("labels",))
    register_source(source)
    register_source(source, "tagged")
    table = {"labels": str(folder / "captions.csv")}
    train, validation = open_samples(
        str(folder), "tags", **table, validation_fraction=0.25
    )
    assert sizes((train, validation)) == [9, 3]
    assert "tags" in train.element_spec
    first = open_samples(f"tagged:{folder}", "tags", **table, limit=1)
    assert ids(first) == ["0.png"]
    with pytest.raises(ValueError, match="needs the table of the tags: `labels`"):
        open_samples(str(folder), "tags")
    with pytest.raises(ValueError, match="'coco' is taken .* coco:FILE.json"):
        register_source(source, "coco")
