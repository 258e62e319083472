import numpy as np

from mmkeras.layers.fusion import GatedFusion
from tests.layers.fusion.by_hand import build, close, rows, set_dense


def by_hand(number):
    block = build(GatedFusion(2), *[2] * number)
    for pool, value in zip(block.pools, block.values, strict=True):
        set_dense(pool.projection.dense, 1)
        set_dense(value, 1)
    set_dense(block.gate)
    return block


def test_by_hand():
    # tanh(1) = 0.761594. Feature 0: sigmoid(ln 3) = 3/4 for the first modality,
    # (3/4 - 1/4) 0.761594 = 0.380797; feature 1: 1/2 each, of opposite values.
    block = by_hand(2)
    block.gate.bias.assign([np.log(3), 0, 0, 0])
    tokens = [rows([2, 0], [0, -2]), rows([-1, 1])]
    fused, details = block(tokens, return_details=True)
    close(fused, [[0.380797, 0]])
    close(details["gates"], [[[0.75, 0.5]], [[0.25, 0.5]]])


def test_gates_depend_on_all_modalities():
    # Row 2 of the kernel is feature 0 of modality 2, -1: -ln 3 for the first gate's
    # feature 0, which is 1/4. (1/4 - 3/4) 0.761594 = -0.380797.
    block = by_hand(2)
    kernel = np.zeros((4, 4))
    kernel[2, 0] = np.log(3)
    set_dense(block.gate, kernel)
    close(block([rows([1, -1]), rows([-1, 1])]), [[-0.380797, 0]])


def test_absent_modality_of_three_is_excluded():
    # Thirds of three: (1 - 1 + 1) / 3 of 0.761594. Without the second, halves.
    block = by_hand(3)
    tokens = [rows([1, -1]), rows([-1, 1]), rows([1, -1])]
    close(block(tokens), [[0.253865, -0.253865]])
    absent = [None, np.array([[False]]), None]
    close(block(tokens, absent), [[0.761594, -0.761594]])


def test_parameters_are_as_documented():
    # sum_k (d_k d + 4 d) + K (d + 1) d + (K d + 1) K d + d, d = 4
    block = build(GatedFusion(4), 3, 2)
    assert block.count_params() == (28 + 24) + 2 * 5 * 4 + 9 * 8 + 4
