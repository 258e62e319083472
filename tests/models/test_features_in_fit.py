"""`fit` runs a frozen image encoder once, and learns the same."""

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import drop_modalities
from mmkeras.models import GenerativeVisualQA, ImageCaptioner, VisualQA
from tests.conftest import SIDE, to_dataset


def frozen(dataset):
    captioner = ImageCaptioner.from_data(
        dataset,
        image_size=SIDE,
        hidden_dim=16,
        num_layers=1,
        dropout=0.0,
        trainable_encoder=False,
        seed=0,
    )
    # Traced much faster than the default.
    captioner.compile("adam")
    return captioner


def test_it_learns_the_same_with_and_without(dataset, tmp_path):
    options = {"epochs": 2, "batch_size": 16, "validation_data": dataset, "verbose": 0}
    plain, cached = (
        frozen(dataset).fit(dataset, feature_cache=cache, **options).history
        for cache in (None, tmp_path / "features")
    )
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(cached[name], plain[name], rtol=1e-4)
    assert len(cached["epoch_seconds"]) == 2 and min(cached["epoch_seconds"]) > 0
    # One file for the training data and the validation data, which are the same.
    assert len(list((tmp_path / "features").iterdir())) == 1


def test_features_are_cached_unasked_where_there_are_several_epochs(
    dataset, monkeypatch
):
    model, given = frozen(dataset), []
    monkeypatch.setattr(
        model, "_fit", lambda batches, x, *rest: given.append(set(x.element_spec))
    )
    for options in ({}, {"feature_cache": None}, {"epochs": 1}, {"on_error": "skip"}):
        model.fit(dataset, **{"epochs": 2, "verbose": 0, **options})
    assert ["image_features" in keys for keys in given] == [True, False, False, False]


class Place:
    """Stands for an `ExitStack`, and knows whether a folder was asked for."""

    def enter_context(self, folder):
        folder.cleanup()
        return "/tmp"


def changed(dataset):
    random = tf.random.Generator.from_non_deterministic_state()

    def brighten(sample):
        image = tf.io.decode_png(sample["image"], 3)
        image = tf.image.adjust_brightness(image, random.uniform([], -0.5, 0.5))
        return {**sample, "image": tf.io.encode_png(image)}

    return dataset.map(brighten).apply(tf.data.experimental.assert_cardinality(64))


def test_where_it_can(dataset):
    model = frozen(dataset)
    assert model._place_of_features(dataset, Place()) is not None
    for other in (
        changed(dataset),
        dataset.shuffle(64),
        dataset.filter(lambda sample: True),
        dataset.ragged_batch(8),
    ):
        assert model._place_of_features(other, Place()) is None
    model.backbone.image_encoder.unfreeze(1)
    assert model._place_of_features(dataset, Place()) is None


def test_what_does_not_fit_on_the_disk(dataset, monkeypatch):
    model = frozen(dataset)
    encoder = model.backbone.image_encoder
    # 64 pictures of float32 features.
    needed = 64 * 4 * encoder.rows * encoder.columns * encoder.channels
    for free, expected in ((2 * needed, None), (2 * needed + 2, "/tmp")):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda path, usage=usage: usage)
        assert model._place_of_features(dataset, Place()) == expected


def test_a_folder_for_batched_pictures_is_refused(dataset, tmp_path):
    with pytest.raises(ValueError, match="before it is batched"):
        frozen(dataset).fit(
            dataset.ragged_batch(8), feature_cache=tmp_path, epochs=2, verbose=0
        )


def asked(kind, dataset):
    vqa = kind.from_data(
        dataset,
        image_size=SIDE,
        fusion="gated",
        hidden_dim=16,
        num_encoder_layers=0,
        trainable_encoder=False,
        dropout=0.0,
        modality_dropout={"image": 0.0, "text": 0.0},
        seed=0,
    )
    vqa.compile("adam")
    return vqa


@pytest.mark.parametrize(
    "kind",
    # Both go through the same `fit`; the second takes most of a minute.
    [VisualQA, pytest.param(GenerativeVisualQA, marks=pytest.mark.slow)],
)
def test_missing_pictures_keep_their_rows(kind, dataset):
    dropped = drop_modalities(dataset, {"image": 0.3})
    options = {"epochs": 2, "batch_size": 16, "validation_data": dropped, "verbose": 0}
    # Unasked, `fit` caches features here.
    plain, cached = (
        asked(kind, dataset).fit(dropped, **options, **settings).history
        for settings in ({"feature_cache": None}, {})
    )
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(cached[name], plain[name], rtol=1e-4)


def test_missing_pictures_are_not_skipped(dataset, tmp_path):
    dropped = drop_modalities(dataset, {"image": 0.3})
    found = asked(VisualQA, dataset).fit(
        dropped, feature_cache=tmp_path, on_error="skip", verbose=0
    )
    assert found.history["skipped_images"] == [0]
    vqa = asked(VisualQA, dataset)
    cached = vqa.cache_features(dropped, tmp_path, verbose=False, on_error="skip")
    assert int(cached.cardinality()) == 64


def test_missing_pictures_are_masked_in_features_too(dataset, tmp_path):
    dropped = drop_modalities(dataset, {"image": 0.3})
    present = [bool(sample["image_present"]) for sample in dropped]
    assert 0 < sum(present) < 64
    vqa = asked(VisualQA, dataset)
    cached = vqa.cache_features(dropped, tmp_path, verbose=False)
    inputs, *_ = vqa.preprocessor(next(iter(cached.ragged_batch(64))))
    np.testing.assert_array_equal(inputs["image_mask"], np.int32(present))


def test_broken_pictures_are_counted_as_without_features(dataset, scenes, tmp_path):
    rows = [
        {**row, "image": b"bad"} if index in (3, 40) else row
        for index, row in enumerate(scenes)
    ]
    data, held_out = to_dataset(rows), to_dataset(rows[:10])
    options = {"epochs": 2, "batch_size": 16, "verbose": 0, "on_error": "skip"}
    # What the second run reads of the training data is written by now.
    frozen(dataset).cache_features(data, tmp_path, verbose=False, on_error="keep")
    found = []
    for cache in (None, tmp_path):
        with pytest.warns(UserWarning, match="2 images .* training: 3: unk.*; 40: unk"):
            history = frozen(dataset).fit(
                data, validation_data=held_out, feature_cache=cache, **options
            )
        found.append(history.history)
    for one in found:
        assert one["skipped_images"] == [2, 2]
        assert one["val_skipped_images"] == [1, 1]
        for name in ("loss", "val_loss"):
            np.testing.assert_allclose(one[name], found[0][name], rtol=1e-4)


def test_kept_broken_pictures_are_refused_unless_skipped(dataset, scenes, tmp_path):
    rows = [{**scenes[0], "image": b"bad"}, *scenes[1:4]]
    model = frozen(dataset)
    cached = model.cache_features(
        to_dataset(rows), tmp_path, verbose=False, on_error="keep"
    )
    with pytest.raises(Exception, match="image_id 0: unknown image format"):
        model.fit(cached, verbose=0)
    with pytest.warns(UserWarning, match="1 images could not be used"):
        found = model.evaluate(cached, verbose=0, on_error="skip")
    assert found["skipped_images"] == 1
