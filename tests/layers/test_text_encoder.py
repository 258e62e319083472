import keras_hub
import numpy as np
import pytest

from mmkeras.layers import (
    BertTextEncoder,
    KerasHubTextEncoder,
    RecurrentTextEncoder,
    TextEncoder,
    TransformerTextEncoder,
)


def keras_hub_encoder():
    return KerasHubTextEncoder(keras_hub.models.BertBackbone(9, 1, 2, 8, 16), True)


@pytest.mark.parametrize(
    "make",
    [
        keras_hub_encoder,
        lambda: BertTextEncoder(9, 8, 8, 1, 2, 16, dropout=0.5),
        lambda: RecurrentTextEncoder(9, 8, dropout=0.5),
        lambda: TransformerTextEncoder(9, 8, 8, num_heads=2, dropout=0.5),
    ],
)
def test_frozen_encoder_has_no_dropout_in_training(make):
    encoder = make()
    ids = np.array([[5, 6, 7, 0, 0]])
    output = np.asarray(encoder(ids))
    assert np.any(np.asarray(encoder(ids, training=True)) != output)
    encoder.trainable = False
    np.testing.assert_array_equal(encoder(ids, training=True), output)


def test_base_has_no_encode():
    with pytest.raises(NotImplementedError, match="TextEncoder has no `encode`"):
        TextEncoder(8)(np.array([[1]]))
