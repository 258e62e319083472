import numpy as np

from mmkeras.layers.fusion import SharedAttentionFusion
from tests.layers.fusion.by_hand import U, W, build, close, rows, set_dense


def by_hand(num_heads=1):
    """Keys and values are the tokens; the projected query is a constant."""
    block = build(SharedAttentionFusion(4, num_layers=1, num_heads=num_heads), 4, 4)
    for projection in block.projections:
        set_dense(projection.dense, 1)
    block.query.assign([0, 0, 0, 0])
    set_dense(block.key_value, np.concatenate([np.eye(4), np.eye(4)], axis=1))
    layer = block.query_layers[0]
    set_dense(layer.query, 0, np.log(2) / 4 * (U - W))
    set_dense(layer.mixed, 1)
    set_dense(layer.feed_out)
    return block


def test_by_hand():
    # The query is (U + W) / 2 + U. Scores ln(2) / 4 (U - W) . t / sqrt(4): ln(2) / 2
    # for U and -ln(2) / 2 for W, so that U has twice the weight: (W + 2 U + 2 U) / 5.
    # 2.3 U + 0.7 W = (3, 1.6, -1.6, -3), of deviation sqrt(5.78) = 2.404163.
    fused, details = by_hand()([rows(W, U), rows(U)], return_details=True)
    close(fused, [[1.247836, 0.665512, -0.665512, -1.247836]])
    close(details["attention"][0], [[1 / 3, 2 / 3]])
    close(details["attention"][1], [[1]])


def test_absent_modality_is_not_attended_to():
    # The query is U and attends to U: 2 U, normalized U.
    masks = [np.array([[False, False]]), None]
    fused, details = by_hand()([rows(W, U), rows(U)], masks, return_details=True)
    close(fused, [U])
    close(details["attention"][0], [[0, 0]])


def test_heads_attend_independently():
    # U - W = (0, 2, -2, 0): head 0 scores ln(2) / 2 x token[1] / sqrt(2), head 1
    # -ln(2) / 2 x token[2] / sqrt(2): +-0.245064 for U and W in both heads, so that U
    # has exp(0.490129) = 1.632527 times the weight of W in each.
    _, details = by_hand(num_heads=2)([rows(W, U), rows(U)], return_details=True)
    close(details["attention"][0], [[0.379863, 0.620137]])


def test_parameters_are_as_documented():
    # sum_k (d_k d + 3 d) + 2 d^2 + 2 d + L (2 d^2 + 2 d m + 7 d + m) + 4 d,
    # d = 4, m = 8, L = 2
    block = build(SharedAttentionFusion(4, num_heads=2), 3, 2)
    layers = 2 * (32 + 64 + 28 + 8)
    assert block.count_params() == (24 + 20) + 32 + 8 + layers + 16
