import keras
import keras_hub
import numpy as np
import pytest

from mmkeras.layers import KerasHubTextEncoder
from tests.layers.text_encoder_checks import check_padding


def bert():
    return keras_hub.models.BertBackbone(9, 2, 2, 8, 16, max_sequence_length=8)


def test_padding_changes_nothing():
    keras.utils.set_random_seed(0)
    backbone = bert()
    check_padding(
        KerasHubTextEncoder(backbone, pad_token_id=1),
        backbone.token_embedding.embeddings,
    )


def test_sole_output_and_no_segments():
    backbone = keras_hub.models.DistilBertBackbone(9, 1, 2, 8, 16)
    ids = np.array([[5, 6, 0]])
    present = {"token_ids": ids, "padding_mask": np.array([[1, 1, 0]])}
    output = np.asarray(KerasHubTextEncoder(backbone)(ids))
    np.testing.assert_array_equal(output[:, :2], backbone(present)[:, :2])
    assert not np.any(output[:, 2])


@pytest.mark.parametrize("frozen", ["all", "embedding", "none"])
def test_frozen_layers_stay_frozen(frozen, tmp_path):
    backbone = bert()
    backbone.token_embedding.trainable = frozen != "embedding"
    encoder = KerasHubTextEncoder(backbone, trainable=frozen != "all")
    inputs = keras.Input((5,), dtype="int32")
    model = keras.Model(inputs, encoder(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    ids = np.array([[5, 6, 7, 0, 0]])
    np.testing.assert_array_equal(again(ids), model(ids))
    trained = [w.path for w in model.trainable_weights]
    assert [w.path for w in again.trainable_weights] == trained
    assert len(trained) == {"all": 0, "embedding": 38, "none": 39}[frozen]


def test_errors():
    encoder = KerasHubTextEncoder(bert())
    with pytest.raises(ValueError, match="9 tokens long, .* supports at most 8"):
        encoder(np.ones((1, 9), "int32"))
    # F-Net mixes padding into the tokens and has no input for a mask.
    fnet = keras_hub.models.FNetBackbone(9, 1, 8, 16)
    with pytest.raises(ValueError, match=r"FNetBackbone with inputs \['segment_ids', "):
        KerasHubTextEncoder(fnet)
    with pytest.raises(ValueError, match=r"Received: str with inputs \[\]"):
        KerasHubTextEncoder("bert")
