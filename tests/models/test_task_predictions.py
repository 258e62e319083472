import pytest

from mmkeras.data import drop_modalities
from mmkeras.models import Predictions
from tests.conftest import to_dataset


def test_rows_of_a_captioner(captioner, dataset, scenes):
    predictions = Predictions(captioner, dataset.take(5), batch_size=2, max_length=4)
    rows = list(predictions)
    images = [row["image"] for row in scenes[:5]]
    assert [r.output for r in rows] == captioner.generate(images, max_length=4)
    assert [row.image_id for row in rows] == list("01234")
    assert rows[1].sample["captions"] == scenes[1]["captions"]
    assert "image" not in rows[1].sample and rows[1].image is None
    # Predicted once, however often they are read.
    assert predictions.rows is predictions.rows


def test_rows_of_questions_and_missing_images(vqa, dataset, scenes):
    dropped = drop_modalities(dataset.take(8), {"image": 0.5, "question": 0.2}, seed=1)
    rows = Predictions(vqa, dropped, batch_size=3, keep_images=True).rows
    assert len(rows) == 8
    missing = 0
    for row, scene in zip(rows, scenes, strict=False):
        present = row.sample["image_present"]
        missing += not present
        assert row.image == (scene["image"] if present else None)
        asked = [
            question if there else None
            for question, there in zip(
                scene["question"], row.sample["question_present"], strict=True
            )
        ]
        assert row.output == vqa.answer(row.image, asked)
    assert 0 < missing < 8


def test_single_questions_of_a_batched_dataset(vqa, dataset, scenes):
    single = dataset.take(4).map(lambda row: {**row, "question": row["question"][0]})
    rows = Predictions(vqa, single.ragged_batch(3)).rows
    images = [row["image"] for row in scenes[:4]]
    asked = [row["question"][0] for row in scenes[:4]]
    assert [row.sample["question"] for row in rows] == asked
    assert [row.output for row in rows] == vqa.answer(images, asked)


def test_unreadable_images(captioner, scenes):
    data = to_dataset([scenes[0], {**scenes[1], "image": b"bad"}, scenes[2]])
    rows = Predictions(captioner, data, on_error="skip").rows
    assert [row.image_id for row in rows] == ["0", "2"]
    with pytest.raises(ValueError, match="1: unknown image format"):
        Predictions(captioner, data).rows  # noqa: B018
