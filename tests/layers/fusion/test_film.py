import numpy as np

from mmkeras.layers.fusion import FiLMFusion
from tests.layers.fusion.by_hand import build, close, rows, set_dense


def by_hand():
    block = build(FiLMFusion(2, num_layers=1), 2, 2)
    set_dense(block.projection.dense, 1)
    set_dense(block.pools[0].projection.dense, 1)
    inner = block.blocks[0]
    set_dense(inner.enter, 1)
    set_dense(inner.inside, 1)
    # Of the condition (1, -1): gamma = (1, 0), beta = (0, 1/2).
    set_dense(inner.modulation, [[1, 0, 0, 0.5], [0, 0, 0, 0]])
    # Maximum plus mean; gelu is the identity around 10.
    set_dense(block.hidden, [[1, 0], [0, 1], [1, 0], [0, 1]], 10)
    set_dense(block.output_dense, 1, -10)
    return block


def test_by_hand():
    # (1, -1): relu (1, 0), norm (1, -1), modulated (2, -1/2), in all (1 + 2, 0 + 0);
    # (-1, 1): relu (0, 1), norm (-1, 1), modulated (-2, 3/2), in all (0, 1 + 3/2).
    # Maximum (3, 2.5), mean (1.5, 1.25).
    tokens = [rows([1, -1], [-1, 1]), rows([1, -1])]
    close(by_hand()(tokens), [[4.5, 3.75]])


def test_masked_tokens_are_not_pooled():
    # Of the first token alone, (3, 0): maximum plus mean.
    tokens = [rows([1, -1], [-1, 1]), rows([1, -1])]
    close(by_hand()(tokens, [np.array([[True, False]]), None]), [[6, 0]])


def test_absent_first_modality_is_one_learned_token():
    # The learned token equals the second of the first test: (0, 2.5), twice.
    block = by_hand()
    block.absent.assign([-1, 1])
    tokens = [rows([1, -1], [-1, 1]), rows([1, -1])]
    close(block(tokens, [np.array([[False, False]]), None]), [[0, 5]])


def test_absent_condition_is_learned():
    # Condition (0, 0): gamma = beta = 0. Token (1, -1): (1, 0) + relu(1, -1).
    block = by_hand()
    block.pools[0].absent.assign([0, 0])
    tokens = [rows([1, -1]), rows([1, -1])]
    close(block(tokens, [None, np.array([[False]])]), [[4, 0]])


def test_parameters_are_as_documented():
    # (d_1 d + 4 d) + sum_{k>1} (d_k d + 4 d) + L (2 (d + 1) d + ((K - 1) d + 1) 2 d)
    # + (2 d + 1) d + (d + 1) d + d, d = 4, L = 3, K = 3
    block = build(FiLMFusion(4), 3, 2, 5)
    layers = 3 * (2 * 5 * 4 + 9 * 8)
    assert block.count_params() == 28 + (24 + 36) + layers + 9 * 4 + 5 * 4 + 4
