import json

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import ImageCaptioner, VisualQA
from mmkeras.models.kept_samples import choose_samples, read_samples, write_samples
from mmkeras.preprocessing import ImageConverter
from mmkeras.preprocessing.images.image_modality import ImageModality
from mmkeras.preprocessing.text.text_modality import TextModality


def test_unreadable_images_and_blank_questions_are_skipped(images):
    samples = [
        {"image": b"broken", "question": ["what?"]},
        {"image": images[0], "question": [" "]},
        {"image": images[1], "question": [b"how many?", b"what?"]},
        {"image": images[2]},
    ]
    image = ImageModality(ImageConverter(16))
    asked = choose_samples(samples, (image, TextModality("question")), 9)
    assert [sample["question"] for sample in asked] == ["how many?"]
    captioned = choose_samples(samples, (image,), 2)
    assert [set(sample) for sample in captioned] == [{"image"}, {"image"}]
    assert captioned[1] == {"image": asked[0]["image"]}
    # The image that the model sees, to half a step of 255.
    kept = image.decode(tf.constant([asked[0]["image"]]))[0]
    np.testing.assert_allclose(
        kept, image.decode(tf.constant([images[1]]))[0], atol=0.501 / 255
    )


def test_samples_are_written_in_place_of_those_there(tmp_path):
    write_samples([{"image": b"a"}, {"image": b"b"}], tmp_path)
    write_samples([{"image": b"c", "question": "what?"}], tmp_path)
    assert read_samples(tmp_path) == ({"image": b"c", "question": "what?"},)
    assert len(list((tmp_path / "samples").iterdir())) == 2
    write_samples([], tmp_path)
    assert read_samples(tmp_path) == () and not (tmp_path / "samples").exists()


def test_several_files_of_a_sample(tmp_path):
    modalities = (ImageModality(), ImageModality(key="thermal"))
    samples = ({"image": b"a", "thermal": b"b"}, {"image": b"c", "thermal": b"d"})
    write_samples(samples, tmp_path, modalities)
    assert read_samples(tmp_path, modalities) == samples
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["00.png", "00_thermal.png", "01.png", "01_thermal.png"] + [
        "samples.json"
    ]


def test_corrupted_samples_are_named_when_they_are_needed(dataset, tmp_path):
    task = ImageCaptioner.from_data(dataset, image_size=32, hidden_dim=16)
    task.keep_samples(dataset, 3)
    task.save_to_preset(tmp_path / "preset")
    assert ImageCaptioner.from_preset(tmp_path / "preset").samples == task.samples
    (tmp_path / "preset" / "samples" / "01.png").unlink()
    again = ImageCaptioner.from_preset(tmp_path / "preset")
    with pytest.raises(ValueError, match="samples in .* are corrupted"):
        again.samples  # noqa: B018
    table = tmp_path / "preset" / "samples" / "samples.json"
    table.write_text(json.dumps([1]))
    with pytest.raises(ValueError, match="corrupted"):
        read_samples(tmp_path / "preset")


def test_batched_data_are_refused(dataset):
    task = VisualQA.from_data(dataset, image_size=32, hidden_dim=16, fusion="gated")
    with pytest.raises(ValueError, match="before it is batched"):
        task.keep_samples(dataset.ragged_batch(4))
    task.keep_samples(dataset, 2)
    assert len(task.samples) == 2
    assert all(sample["question"] for sample in task.samples)
