import dataclasses
import json
import math
import sys

import pytest

from mmkeras.data import from_coco, open_samples
from mmkeras.models import CaptionerRun, ImageCaptioner
from mmkeras.training import write_test_captions
from mmkeras.training.recipes import (
    coco_karpathy,
    conceptual_captions,
    flickr8k,
    flickr30k,
)
from tests.data.official_files import captions_of, conceptual, karpathy, write_image
from tests.data.official_files import flickr8k as flickr8k_files
from tests.eager_steps import eager_steps

SPLITS = ("train",) * 8 + ("val", "val", "test", "test")


def coco(folder):
    splits = ("restval", *SPLITS[1:])
    karpathy(folder, "dataset_coco.json", splits, coco=True)


def thirty(folder):
    karpathy(folder, "dataset_flickr30k.json", SPLITS)
    (folder / "images").rename(folder / "flickr30k-images")


def eight(folder):
    flickr8k_files(folder, [split.replace("val", "dev") for split in SPLITS])


def web(folder):
    conceptual(folder, "Train_GCC-training.tsv", "train", 10, dead=(1,))
    conceptual(folder, "Validation_GCC-1.1.0-Validation.tsv", "validation", 2)


# A function that writes the files, the recipe, the ids of its test split with their
# indices in `captions_of`, and the number of captions of an image.
RECIPES = {
    "coco_karpathy": (coco, coco_karpathy, {110: 10, 111: 11}, 2),
    "flickr30k": (
        thirty,
        flickr30k,
        {"000000000010.jpg": 10, "000000000011.jpg": 11},
        2,
    ),
    "flickr8k": (eight, flickr8k, {"10_ab.jpg": 10, "11_ab.jpg": 11}, 2),
    "conceptual_captions": (
        web,
        conceptual_captions,
        # As integers they would lose their zeros.
        {"000000000": 0, "000000001": 1},
        1,
    ),
}


# The other two differ from the first in their files only, which
# `test_settings_are_documented` reads.
TRAINED = [
    "coco_karpathy",
    "conceptual_captions",
    pytest.param("flickr30k", marks=pytest.mark.slow),
    pytest.param("flickr8k", marks=pytest.mark.slow),
]


@pytest.mark.filterwarnings("ignore:1 of 10 images:UserWarning")
@pytest.mark.parametrize("name", TRAINED)
def test_smoke(name, tmp_path, capsys):
    make, recipe, tested, number = RECIPES[name]
    make(tmp_path)
    output = tmp_path / "run"
    with eager_steps():
        _, results = recipe(tmp_path, output, smoke=True, dropout=0.0)

    captions = json.loads((output / "captions_test.json").read_text("utf-8"))
    assert [row["image_id"] for row in captions] == list(tested)
    assert all(row.keys() == {"image_id", "caption"} for row in captions)
    references = json.loads((output / "references.json").read_text("utf-8"))
    assert [image["id"] for image in references["images"]] == list(tested)
    pairs = [(note["image_id"], note["caption"]) for note in references["annotations"]]
    assert pairs == [
        (image_id, text)
        for image_id, index in tested.items()
        for text in captions_of(index)[:number]
    ]

    assert results["smoke"] and results["captions"] == str(
        output / "captions_test.json"
    )
    assert json.loads((output / "results.json").read_text()) == results
    assert math.isfinite(results["loss"]) and results["perplexity"] > 1
    assert f"perplexity {results['perplexity']:.2f}" in capsys.readouterr().out
    run = CaptionerRun.from_yaml(output / "run.yaml")
    assert (run.image_encoder, run.epochs, run.dropout) == ("small_cnn", 1, 0.0)
    history = json.loads((output / "history.json").read_text())
    assert ("val_loss" in history) == bool(run.validation_fraction)
    assert (tmp_path / "run_features").is_dir() == (run.feature_cache is not None)


@pytest.mark.filterwarnings("ignore:1 of 10 images:UserWarning")
@pytest.mark.parametrize("name", RECIPES)
def test_settings_are_documented(name, tmp_path, monkeypatch):
    make, recipe, tested, _ = RECIPES[name]
    make(tmp_path)
    seen = {}

    def keep(run, test, smoke, changes):
        seen.update(run=run, test=test, smoke=smoke, changes=changes)
        return None, {}

    # By name the package has the function, not the module, of this name.
    module = sys.modules[f"mmkeras.training.recipes.{name}"]
    monkeypatch.setattr(module, "run_recipe", keep)
    recipe(tmp_path, tmp_path / "run", epochs=2)
    run = seen["run"]
    assert (run.image_encoder, run.trainable_encoder) == ("efficientnet_lite0", None)
    assert (run.hidden_dim, run.num_layers) == (512, 3)
    assert not seen["smoke"] and seen["changes"] == {"epochs": 2}
    if name == "conceptual_captions":
        assert run.validation_fraction == 0.01
        # Of 9 images that is none.
        run = dataclasses.replace(run, validation_fraction=0.25)
    train, validation = open_samples(
        run.data,
        images=run.images,
        validation_fraction=run.validation_fraction,
        seed=run.seed,
    )
    ids = [
        {sample["image_id"].numpy().decode() for sample in part}
        for part in (train, validation, seen["test"])
    ]
    assert ids[2] == set(map(str, tested))
    assert not ids[0] & ids[1]
    if name != "conceptual_captions":
        assert [len(part) for part in ids] == [8, 2, 2]
        assert len(set.union(*ids)) == 12


def test_unknown_settings(tmp_path):
    coco(tmp_path)
    with pytest.raises(ValueError, match="unknown settings: beams. The known ones"):
        coco_karpathy(tmp_path, tmp_path / "run", smoke=True, beams=3)
    with pytest.raises(ValueError, match="unknown settings: images"):
        coco_karpathy(tmp_path, tmp_path / "run", images="x")
    with pytest.raises(ValueError, match="`epochs` must be an integer of at least 1"):
        coco_karpathy(tmp_path, tmp_path / "run", epochs=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", RECIPES)
def test_missing_files(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        RECIPES[name][1](tmp_path, tmp_path / "run", smoke=True)


def test_an_unreadable_image_is_named_by_its_id(dataset, tmp_path):
    captioner = ImageCaptioner.from_data(
        dataset.take(4), image_size=32, hidden_dim=16, num_layers=1, seed=0
    )
    notes = [{"image_id": i, "caption": "a"} for i in (7, 8)]
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in (7, 8)]
    path = tmp_path / "captions.json"
    path.write_text(json.dumps({"images": images, "annotations": notes}))
    write_image(tmp_path / "7.jpg", 7)
    (tmp_path / "8.jpg").write_bytes(b"not an image")
    with pytest.raises(ValueError, match="Cannot read 8: "):
        write_test_captions(captioner, from_coco(path, tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
