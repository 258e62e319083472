import pytest

from mmkeras.data import drop_modalities, readable_samples
from mmkeras.models import VisualQA
from tests.conftest import SIDE, to_dataset


@pytest.fixture(scope="module")
def vqa(dataset):
    return VisualQA.from_data(dataset, image_size=SIDE, hidden_dim=8)


def names_of(dataset):
    return [sample["image_id"].numpy().decode() for sample in dataset]


def test_broken_images_are_removed_and_named(vqa, scenes):
    rows = [dict(row) for row in scenes[:6]]
    rows[1]["image"], rows[4]["image"] = b"", b"bad"
    found, bad = readable_samples(to_dataset(rows), vqa.preprocessor, batch_size=4)
    assert names_of(found) == ["0", "2", "3", "5"]
    assert int(found.cardinality()) == 4
    assert found.element_spec.keys() == rows[0].keys()
    assert bad[0] == "1: empty image"
    assert bad[1].startswith("4: unknown image format")


def test_missing_images_are_not_broken(vqa, scenes):
    dropped = drop_modalities(to_dataset(scenes[:6]), {"image": 1.0})
    found, bad = readable_samples(dropped, vqa.preprocessor)
    assert names_of(found) == [str(number) for number in range(6)]
    assert bad == []


def test_nothing_readable(vqa, scenes):
    rows = [{**row, "image": b"bad"} for row in scenes[:2]]
    with pytest.raises(ValueError, match="None of the 2 images can be used: 0: unk"):
        readable_samples(to_dataset(rows), vqa.preprocessor)
