import numpy as np
import pytest

from mmkeras.layers import GridPositionEmbedding


def test_row_and_column_are_added_by_hand():
    layer = GridPositionEmbedding(2, 3)
    layer.build((None, 6, 1))
    layer.row_embedding.assign([[[10.0]], [[20.0]]])
    layer.column_embedding.assign([[[1.0], [2.0], [3.0]]])
    output = np.ravel(layer(np.full((1, 6, 1), 0.5, "float32")))
    np.testing.assert_allclose(output, [11.5, 12.5, 13.5, 21.5, 22.5, 23.5])


def test_initial_values_are_a_noisy_ramp():
    layer = GridPositionEmbedding(5, 2)
    layer.build((None, 10, 2000))
    rows = layer.row_embedding.numpy()[:, 0]
    # The ends are 1 apart along a direction of variance 1, the noise has 0.1 each.
    assert np.std(rows[-1] - rows[0]) == pytest.approx(1.0, abs=0.1)
    noise = rows[2] - (rows[0] + rows[-1]) / 2
    assert np.std(noise) == pytest.approx(0.1 * 1.5**0.5, abs=0.01)


def test_wrong_grid():
    with pytest.raises(ValueError, match="2 × 3 = 6 tokens"):
        GridPositionEmbedding(2, 3)(np.zeros((1, 5, 16), "float32"))
