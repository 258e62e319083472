import numpy as np
import pytest

from mmkeras.layers import GridAttentionBias


def test_relative_positions_by_hand():
    # A grid of one row and three columns: the table has the columns -2 … 2, and its two
    # heads are initially -3·(-2/3, -1/3, 0, 1/3, 2/3) and the opposite.
    bias = np.asarray(GridAttentionBias(1, 3)(np.zeros((1, 2, 3, 3), "float32")))[0]
    left = [[0, -1, -2], [1, 0, -1], [2, 1, 0]]
    np.testing.assert_allclose(bias, [left, np.negative(left)], atol=1e-6)


def test_wrong_grid():
    with pytest.raises(ValueError, match="1 × 3 = 3 positions"):
        GridAttentionBias(1, 3)(np.zeros((1, 2, 4, 4), "float32"))
