import json

import pytest

from mmkeras.models import ImageCaptioner, VisualQA
from mmkeras.models.kept_samples import (
    KeptSample,
    choose_samples,
    read_samples,
    write_samples,
)


def test_pictures_that_cannot_be_read_and_blank_questions_are_passed_over(images):
    samples = [
        {"image": b"broken", "question": ["what?"]},
        {"image": images[0], "question": [" "]},
        {"image": images[1], "question": [b"how many?", b"what?"]},
        {"image": images[2]},
    ]
    asked = choose_samples(samples, 16, 16, False, 9, asks=True)
    assert [sample.question for sample in asked] == ["how many?"]
    captioned = choose_samples(samples, 16, 16, False, 2)
    assert [sample.question for sample in captioned] == [None, "how many?"]


def test_samples_are_written_in_place_of_those_there(tmp_path):
    write_samples([KeptSample(b"a", None), KeptSample(b"b", None)], tmp_path)
    write_samples([KeptSample(b"c", "what?")], tmp_path)
    assert read_samples(tmp_path) == (KeptSample(b"c", "what?"),)
    assert len(list((tmp_path / "samples").iterdir())) == 2
    write_samples([], tmp_path)
    assert read_samples(tmp_path) == () and not (tmp_path / "samples").exists()


def test_damaged_samples_are_named_when_they_are_needed(dataset, tmp_path):
    task = ImageCaptioner.from_data(dataset, image_size=32, hidden_dim=16)
    task.keep_samples(dataset, 3)
    task.save_to_preset(tmp_path / "preset")
    assert ImageCaptioner.from_preset(tmp_path / "preset").samples == task.samples
    (tmp_path / "preset" / "samples" / "01.png").unlink()
    again = ImageCaptioner.from_preset(tmp_path / "preset")
    with pytest.raises(ValueError, match="samples in .* are damaged"):
        again.samples  # noqa: B018
    table = tmp_path / "preset" / "samples" / "samples.json"
    table.write_text(json.dumps([1]))
    with pytest.raises(ValueError, match="damaged"):
        read_samples(tmp_path / "preset")


def test_batched_data_are_refused(dataset):
    task = VisualQA.from_data(dataset, image_size=32, hidden_dim=16, fusion="gated")
    with pytest.raises(ValueError, match="before it is batched"):
        task.keep_samples(dataset.ragged_batch(4))
    task.keep_samples(dataset, 2)
    assert len(task.samples) == 2 and all(sample.question for sample in task.samples)
