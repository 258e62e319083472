import numpy as np

from mmkeras.layers import RegionEncoder
from mmkeras.layers.region_encoder import _power_normalized


def test_power_normalization_by_hand():
    # Means of 2 and of 9: sqrt(4) / sqrt(2), sqrt(0); sqrt(18) / sqrt(9), sqrt(0).
    features = np.array([[[4.0, 0.0]], [[18.0, 0.0]]], "float32")
    expected = [[[2**0.5, 0.0]], [[2**0.5, 0.0]]]
    np.testing.assert_allclose(_power_normalized(features), expected, atol=1e-3)


def test_scale_of_the_features_is_irrelevant():
    encoder = RegionEncoder(2, 3, 16, 1, 2, 32, power_normalization=True)
    features = np.random.default_rng(0).uniform(0, 6, (2, 6, 8)).astype("float32")
    np.testing.assert_allclose(
        encoder(features), encoder(50 * features), rtol=1e-2, atol=1e-3
    )


def test_the_same_channels_are_dropped_in_all_regions():
    encoder = RegionEncoder(2, 3, 16, 0, feature_dropout=0.5)
    dropped = encoder.channel_dropout(np.ones((4, 6, 64), "float32"), training=True)
    dropped = np.asarray(dropped)
    # The remaining channels are doubled.
    assert set(np.unique(dropped)) == {0.0, 2.0}
    np.testing.assert_array_equal(dropped, np.repeat(dropped[:, :1], 6, axis=1))
