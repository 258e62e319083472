import keras
import numpy as np
import pytest

from mmkeras.layers import RecurrentTextEncoder
from tests.layers.text_encoder_checks import check_padding


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(cell, bidirectional):
    keras.utils.set_random_seed(0)
    encoder = RecurrentTextEncoder(9, 8, cell, bidirectional, 2, pad_token_id=1)
    encoder.build((None, 5))
    check_padding(encoder, encoder.embedding.embeddings)


def test_leading_padding_is_skipped():
    encoder = RecurrentTextEncoder(9, 8, bidirectional=True)
    trailing = encoder(np.array([[5, 6, 7, 0, 0]]))
    leading = encoder(np.array([[0, 0, 5, 6, 7]]))
    np.testing.assert_allclose(leading[:, 2:], trailing[:, :3], atol=1e-6)


def test_gru_by_hand():
    encoder = RecurrentTextEncoder(3, 1)
    encoder.build((None, 3))
    # embeddings of 0, 1, 2; kernels of update, reset and candidate; biases 0
    weights = [[9], [1], [2]], [[0, 0, 1]], [[0, 0, 2]], np.zeros((2, 3))
    encoder.set_weights([np.array(weight, "float32") for weight in weights])
    # Update and reset are sigmoid(0) = 0.5.
    # 1st: candidate tanh(1 + 0.5 * 2 * 0), state 0.5 * 0 + 0.5 * 0.761594 = 0.380797
    # padding: nothing
    # 3rd: candidate tanh(2 + 0.5 * 2 * 0.380797) = tanh(2.380797) = 0.983041,
    #      state 0.5 * 0.380797 + 0.5 * 0.983041 = 0.681919
    output = encoder(np.array([[1, 0, 2]]))
    np.testing.assert_allclose(output, [[[0.380797], [0.0], [0.681919]]], atol=1e-6)


def test_bidirectional_processes_both_directions():
    encoder = RecurrentTextEncoder(9, 8, bidirectional=True)
    one = np.asarray(encoder(np.array([[5, 6, 7]])))[0]
    other = np.asarray(encoder(np.array([[5, 6, 8]])))[0]
    # The first half of the output is the forward direction, the second the backward.
    changed = (np.abs(one - other) > 1e-6).reshape(3, 2, 4).any(-1)
    assert changed.tolist() == [[False, True], [False, True], [True, True]]


def test_errors():
    with pytest.raises(ValueError, match="`cell` must be 'gru' or 'lstm'"):
        RecurrentTextEncoder(9, 8, "rnn")
    with pytest.raises(ValueError, match="even. Received: dim=7"):
        RecurrentTextEncoder(9, 7, bidirectional=True)
