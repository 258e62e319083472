"""`fit` runs a frozen image encoder once, and learns the same."""

import pathlib

import numpy as np
import pytest

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


def test_features_are_cached_by_default_for_several_epochs(dataset, monkeypatch):
    model, cached = frozen(dataset), []
    cache_features = model.cache_features

    def recorded(*args, **kwargs):
        cached.append(kwargs["directory"])
        return cache_features(*args, **kwargs)

    monkeypatch.setattr(model, "cache_features", recorded)
    small, options = dataset.take(4), {"epochs": 2, "verbose": 0}
    model.fit(small, **options)
    (folder,) = cached
    assert not pathlib.Path(folder).exists()
    for changed in ({"feature_cache": None}, {"epochs": 1}, {"on_error": "skip"}):
        model.fit(small, **{**options, **changed})
    model.backbone.image_encoder.unfreeze(1)
    model.compile("adam")
    model.fit(small, **options)
    assert cached == [folder]


def test_a_folder_for_batched_images_is_refused(dataset, tmp_path):
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
def test_missing_images_keep_their_rows(kind, dataset):
    dropped = drop_modalities(dataset, {"image": 0.3})
    options = {"epochs": 2, "batch_size": 16, "validation_data": dropped, "verbose": 0}
    # `fit` caches features by default here.
    plain, cached = (
        asked(kind, dataset).fit(dropped, **options, **settings).history
        for settings in ({"feature_cache": None}, {})
    )
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(cached[name], plain[name], rtol=1e-4)


def test_missing_images_are_not_skipped(dataset, tmp_path):
    dropped = drop_modalities(dataset, {"image": 0.3})
    found = asked(VisualQA, dataset).fit(
        dropped, feature_cache=tmp_path, on_error="skip", verbose=0
    )
    assert found.history["skipped_images"] == [0]
    vqa = asked(VisualQA, dataset)
    cached = vqa.cache_features(dropped, tmp_path, verbose=False, on_error="skip")
    assert int(cached.cardinality()) == 64


def test_missing_images_are_masked_in_features_too(dataset, tmp_path):
    dropped = drop_modalities(dataset, {"image": 0.3})
    present = [bool(sample["image_present"]) for sample in dropped]
    assert 0 < sum(present) < 64
    vqa = asked(VisualQA, dataset)
    cached = vqa.cache_features(dropped, tmp_path, verbose=False)
    inputs, *_ = vqa.preprocessor(next(iter(cached.ragged_batch(64))))
    np.testing.assert_array_equal(inputs["image_mask"], np.int32(present))


def test_broken_images_are_counted_as_without_features(dataset, scenes, tmp_path):
    rows = [
        {**row, "image": b"bad"} if index in (3, 40) else row
        for index, row in enumerate(scenes)
    ]
    data, held_out = to_dataset(rows), to_dataset(rows[:10])
    options = {"epochs": 2, "batch_size": 16, "verbose": 0, "on_error": "skip"}
    # The training features that the second run reads.
    frozen(dataset).cache_features(data, tmp_path, verbose=False, on_error="keep")
    found = []
    for cache in (None, tmp_path):
        with (
            pytest.warns(UserWarning, match="2 images .* training: 3: unk.*; 40: unk"),
            pytest.warns(UserWarning, match="1 images .* validation: 3: unk"),
        ):
            history = frozen(dataset).fit(
                data, validation_data=held_out, feature_cache=cache, **options
            )
        found.append(history.history)
    for one in found:
        assert one["skipped_images"] == [2, 2]
        assert one["val_skipped_images"] == [1, 1]
        for name in ("loss", "val_loss"):
            np.testing.assert_allclose(one[name], found[0][name], rtol=1e-4)


def test_kept_broken_images_are_refused_unless_skipped(dataset, scenes, tmp_path):
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
