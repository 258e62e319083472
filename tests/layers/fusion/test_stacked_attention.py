import numpy as np
import pytest

from mmkeras.layers.fusion import StackedAttentionFusion
from tests.layers.fusion.by_hand import build, close, rows, set_dense


def by_hand(num_layers, *dims):
    block = build(StackedAttentionFusion(2, num_layers), *dims)
    for part in (block.projection, *[pool.projection for pool in block.pools]):
        set_dense(part.dense, 1)
    for look in block.looks:
        set_dense(look.value, 1)
        set_dense(look.query)
        # tanh(1) = 0.761594: scores of ln(3) / 2 for (1, -1), the opposite for (-1, 1).
        set_dense(look.score, [[np.log(3) / 2 / np.tanh(1)], [0]])
    return block


def test_by_hand():
    # Attention 3/4 and 1/4: (1/2, -1/2), added to the query once or twice.
    tokens = [rows([1, -1], [-1, 1]), rows([1, -1])]
    fused, details = by_hand(1, 2, 2)(tokens, return_details=True)
    close(fused, [[1.5, -1.5]])
    close(details["attention"][0], [[0.75, 0.25]])
    close(by_hand(2, 2, 2)(tokens), [[2, -2]])


def test_attention_depends_on_the_query():
    # The query (1, -1) takes 2 from feature 0: tanh(1 - 2) = -0.761594 for (1, -1),
    # tanh(-1 - 2) = -0.995055 for (-1, 1). The scores are ln(3) / (2 * 0.761594) =
    # 0.721260 times that, 0.168389 apart: attention 0.541998 to the first: the sum is
    # 0.083996 (1, -1).
    block = by_hand(1, 2, 2)
    set_dense(block.looks[0].query, [[-2, 0], [0, 0]])
    tokens = [rows([1, -1], [-1, 1]), rows([1, -1])]
    close(block(tokens), [[1.083996, -1.083996]])


def test_queries_of_several_modalities_are_added():
    tokens = [rows([1, -1], [-1, 1]), rows([1, -1]), rows([2, 0], [0, -2])]
    fused, details = by_hand(1, 2, 2, 2)(tokens, return_details=True)
    close(fused, [[2.5, -2.5]])
    close(details["attention"][2], [[0.5, 0.5]])


def test_absent_first_modality_leaves_the_query_unchanged():
    tokens = [rows([1, -1], [-1, 1]), rows([1, -1])]
    close(by_hand(2, 2, 2)(tokens, [np.array([[False, False]]), None]), [[1, -1]])


def test_number_of_layers_must_be_positive():
    with pytest.raises(ValueError, match="`num_layers` must be"):
        StackedAttentionFusion(2, num_layers=0)


def test_parameters_are_as_documented():
    # (d_1 d + 3 d) + sum_{k>1} (d_k d + 4 d) + L (2 d^2 + 2 d) + d, d = 4, L = 2
    block = build(StackedAttentionFusion(4), 3, 2)
    assert block.count_params() == 24 + 24 + 2 * (32 + 8) + 4
