import numpy as np

from mmkeras.layers.fusion import BidirectionalCrossAttentionFusion
from tests.layers.fusion.by_hand import U, W, build, close, rows, set_dense


def by_hand():
    """Uniform cross-attention with identity values; all other parts are 0."""
    block = build(BidirectionalCrossAttentionFusion(4, num_layers=1, num_heads=1), 4, 4)
    for projection in block.projections:
        set_dense(projection.dense, 1)
    for inner in block.blocks:
        set_dense(inner.self_output)
        set_dense(inner.cross_query)
        value = np.concatenate([np.zeros((4, 4)), np.eye(4)], axis=1)
        set_dense(inner.cross_key_value, value)
        set_dense(inner.cross_output, 1)
        set_dense(inner.feed_out)
    for pool, output in zip(block.pools, block.outputs, strict=True):
        set_dense(pool.score)
        set_dense(output, 1)
    return block


def test_by_hand():
    # The first: W + U = (2, 0, 0, -2) and U + U, normalized sqrt(2) (1, 0, 0, -1) and
    # U, whose mean is (1.207107, 0.5, -0.5, -1.207107). The second: U + (W + U) / 2 =
    # (2, 1, -1, -2), normalized (1.264911, 0.632456, ...). The sum (2.472018,
    # 1.132456, ...) has a deviation of 1.922671.
    fused, details = by_hand()([rows(W, U), rows(U)], return_details=True)
    close(fused, [[1.285721, 0.589001, -0.589001, -1.285721]])
    close(details["attention"][0], [[0.5, 0.5]])
    close(details["tokens"][1], [[[1.264911, 0.632456, -0.632456, -1.264911]]])


def test_masked_tokens_are_neither_attended_to_nor_pooled():
    # The first: U + U, normalized U. The second: U + U, normalized U. The sum 2 U.
    masks = [np.array([[False, True]]), None]
    fused, details = by_hand()([rows(W, U), rows(U)], masks, return_details=True)
    close(fused, [U])
    close(details["attention"][0], [[0, 1]])
    close(details["tokens"][0], [[[0, 0, 0, 0], U]])


def test_absent_modality_is_a_learned_vector():
    # The second has nothing to attend to: U. The first is W: U + W, normalized.
    block = by_hand()
    block.pools[0].absent.assign(W)
    masks = [np.array([[False, False]]), None]
    root = 2**0.5
    close(block([rows(W, U), rows(U)], masks), [[root, 0, 0, -root]])


def test_self_attention_is_within_a_modality():
    # No cross-attention. The first: W and U attend to (W + U) / 2 of their normalized
    # values: 1.5 W + 0.5 U and 0.5 W + 1.5 U, normalized (1.264911, -0.632456, ...)
    # and (1.264911, 0.632456, ...), whose mean is (1.264911, 0, 0, -1.264911). The
    # second: 2 U, normalized U. The sum (2.264911, 1, ...) has a deviation of 1.750686.
    block = by_hand()
    for inner in block.blocks:
        qkv = np.concatenate([np.zeros((4, 8)), np.eye(4)], axis=1)
        set_dense(inner.self_qkv, qkv)
        set_dense(inner.self_output, 1)
        set_dense(inner.cross_output)
    fused = block([rows(W, U), rows(U)])
    close(fused, [[1.293728, 0.571205, -0.571205, -1.293728]])


def test_parameters_are_as_documented():
    # sum_k d_k d + K L (8 d^2 + 2 d m + 15 d + m) + K (2 d^2 + 9 d) + 3 d,
    # d = 4, m = 8, K = 2, L = 2
    block = build(BidirectionalCrossAttentionFusion(4, num_heads=2), 3, 2)
    layers = 4 * (128 + 64 + 60 + 8)
    assert block.count_params() == (12 + 8) + layers + 2 * (32 + 36) + 12
