import numpy as np
import pytest

from mmkeras.layers.fusion import LowRankBilinearFusion
from tests.layers.fusion.by_hand import build, close, rows, set_dense

FACTORS = [[1, 2, 3, 4], [2, 1, -1, -3.25], [1, 7, 4, 1]]


def by_hand(number):
    """The factors of the first feature of each modality, which is 1 in all tests."""
    block = build(LowRankBilinearFusion(2, factors=2), *[2] * number)
    for pool, layer, factor in zip(
        block.pools, block.factor_layers, FACTORS, strict=False
    ):
        set_dense(pool.projection.dense, 1)
        set_dense(layer, [factor, [0, 0, 0, 0]])
    return block


def test_by_hand():
    # Products (2, 2, -3, -13), sums (4, -16), roots (2, -4), of norm sqrt(20):
    # sqrt(2) (2, -4) / sqrt(20).
    close(by_hand(2)([rows([1, -1])] * 2), [[0.632456, -1.264911]])


def test_three_modalities_by_hand():
    # Products (2, 14, -12, -13), sums (16, -25), roots (4, -5), of norm sqrt(41):
    # sqrt(2) (4, -5) / sqrt(41).
    close(by_hand(3)([rows([1, -1])] * 3), [[0.883452, -1.104315]])


def test_absent_modality_is_a_learned_vector():
    # The second modality's factors are half as large in the second form:
    # products (2, 2, -1.5, -6.5), sums (4, -8), roots (2, -2.828427), of norm sqrt(12).
    block = by_hand(2)
    set_dense(block.factor_layers[1], [FACTORS[1], [1, 0.5, -0.25, -0.8125]])
    block.pools[1].absent.assign([0, 2])
    # (2, 1, -0.5, -1.625)
    masks = [None, np.array([[False]])]
    close(block([rows([1, -1])] * 2, masks), [[0.816497, -1.154701]])


def test_factors_must_be_positive():
    with pytest.raises(ValueError, match="`factors` must be"):
        LowRankBilinearFusion(2, factors=0)


def test_parameters_are_as_documented():
    # sum_k (d_k d + 4 d) + K (d + 1) f d + d, d = 4, f = 5
    block = build(LowRankBilinearFusion(4), 3, 2)
    assert block.count_params() == (28 + 24) + 2 * 5 * 20 + 4
