import numpy as np
import pytest

from mmkeras.layers.fusion import SingleStreamFusion
from tests.layers.fusion.by_hand import U, W, build, close, rows, set_dense


def by_hand():
    """Uniform attention with identity values, and no feed-forward network."""
    block = build(SingleStreamFusion(4, num_layers=1, num_heads=1), 4, 4)
    for projection in block.projections:
        set_dense(projection.dense, 1)
    block.fuse_token.assign(U)
    inner = block.blocks[0]
    set_dense(inner.self_qkv, np.concatenate([np.zeros((4, 8)), np.eye(4)], axis=1))
    set_dense(inner.self_output, 1)
    set_dense(inner.feed_out)
    return block


def test_by_hand():
    # [FUSE] attends to (U + W + W + U) / 4 and becomes 1.5 U + 0.5 W = (2, 1, -1, -2),
    # of standard deviation sqrt(2.5).
    fused = by_hand()([rows(W, W), rows(U)])
    close(fused, [[1.264911, 0.632456, -0.632456, -1.264911]])


def test_masked_tokens_are_not_attended_to():
    # (U + W + U) / 3: the sum is (2, 4/3, -4/3, -2), of deviation 1.699673.
    masks = [np.array([[True, False]]), None]
    fused, details = by_hand()([rows(W, W), rows(U)], masks, return_details=True)
    close(fused, [[1.176697, 0.784465, -0.784465, -1.176697]])
    close(details["attention"][0], [[1, 0]])
    # The token W, which attends to the same: 2/3 U + 4/3 W = (2, -2/3, 2/3, -2), of
    # deviation 1.490712.
    close(
        details["tokens"][0],
        [[[1.341641, -0.447214, 0.447214, -1.341641], [0, 0, 0, 0]]],
    )


def test_attention_within_a_modality_is_that_of_the_fuse_token():
    # Keys are the tokens, and the query of [FUSE] is ln(2) / 2 W:
    # (ln(2) / 2) W . t / sqrt(4) is ln 2 for W and 0 for U, so that W has twice the
    # weight.
    block = by_hand()
    kernel = np.concatenate([np.zeros((4, 4)), np.eye(4), np.zeros((4, 4))], axis=1)
    set_dense(block.blocks[0].self_qkv, kernel, [*np.log(2) / 2 * W, *[0] * 8])
    _, details = block([rows(W, U), rows(U)], return_details=True)
    close(details["attention"][0], [[2 / 3, 1 / 3]])
    close(details["attention"][1], [[1]])


def test_heads_must_divide_the_dimension():
    with pytest.raises(ValueError, match="`num_heads` must divide `dim`, 6"):
        SingleStreamFusion(6, num_heads=4)


def test_parameters_are_as_documented():
    # sum_k (d_k d + 3 d) + L (4 d^2 + 2 d m + 9 d + m) + 3 d + d, d = 4, m = 8, L = 2
    block = build(SingleStreamFusion(4, num_heads=2), 3, 2)
    layers = 2 * (64 + 64 + 36 + 8)
    assert block.count_params() == (24 + 20) + layers + 16
