import numpy as np

from mmkeras.layers.fusion import ConcatenationFusion
from tests.layers.fusion.by_hand import build, close, rows, set_dense


def by_hand():
    block = build(ConcatenationFusion(2, hidden_dim=2), 2, 2)
    for pool in block.pools:
        set_dense(pool.projection.dense, 1)
    set_dense(block.hidden, [[1, 0], [0, 0], [0, 1], [0, 0]])
    set_dense(block.output_dense, [[1, 1], [0, 1]], [0, 1])
    block.pools[1].absent.assign([3, 5])
    return block


def test_by_hand():
    # Means (1, -1), (-1, 1). W_1 takes the first of each: gelu(1) = 0.841345 and
    # gelu(-1) = -0.158655; 0.841345 - 0.158655 + 1 = 1.682690.
    tokens = [rows([2, 0], [0, -2]), rows([-1, 1])]
    close(by_hand()(tokens), [[0.841345, 1.682690]])


def test_absent_modality_by_hand():
    # gelu(3) = 2.995950, of the learned vector; 0.841345 + 2.995950 + 1 = 4.837295.
    tokens = [rows([2, 0], [0, -2]), rows([-1, 1])]
    masks = [None, np.array([[False]])]
    close(by_hand()(tokens, masks), [[0.841345, 4.837295]])


def test_parameters_are_as_documented():
    # sum_k (d_k d + 4 d) + (K d + 1) m + (m + 1) d + d, d = 4, m = 8
    block = build(ConcatenationFusion(4), 3, 2)
    assert block.count_params() == (28 + 24) + 9 * 8 + 9 * 4 + 4
