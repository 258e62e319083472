import numpy as np
import pytest

from mmkeras.layers.fusion import LateFusion
from tests.layers.fusion.by_hand import build, close, rows, set_dense

TOKENS = [rows([1, -1]), rows([-1, 1])]
ABSENT = [None, np.array([[False]])]


def by_hand(**kwargs):
    """The logits of the first modality are (1, 2), of the second (3, -2)."""
    block = build(LateFusion(2, hidden_dim=2, **kwargs), 2, 2)
    for head, logits in zip(block.heads, [[1, 2], [3, -2]], strict=True):
        set_dense(head.pool.projection.dense, 1)
        set_dense(head.dense, 0, logits)
    return block


def test_mean_by_hand():
    fused, details = by_hand(method="mean")(TOKENS, return_details=True)
    close(fused, [[2, 0]])
    close(details["logits"], [[[1, 2]], [[3, -2]]])


def test_weights_by_hand():
    # 3/4 (1, 2) + 1/4 (3, -2)
    block = by_hand(method="weighted", weights=[3, 1])
    close(block(TOKENS), [[1.5, 1]])


def test_learned_weights_by_hand():
    # exp(ln 3) = 3 to exp(0) = 1
    block = by_hand(method="learned")
    block.balance.assign([np.log(3), 0])
    fused, details = block(TOKENS, return_details=True)
    close(fused, [[1.5, 1]])
    close(details["weights"], [[0.75, 0.25]])


@pytest.mark.parametrize(
    "how", [{"method": "mean"}, {}, {"method": "weighted", "weights": [3, 1]}]
)
def test_absent_modality_is_excluded(how):
    fused, details = by_hand(**how)(TOKENS, ABSENT, return_details=True)
    close(fused, [[1, 2]])
    close(details["weights"], [[1, 0]])


def test_head_by_hand():
    # gelu(1) = 0.841345, gelu(-1) = -0.158655; gelu(3) = 2.995950.
    block = by_hand(method="mean")
    for head in block.heads:
        set_dense(head.dense, 1)
    block.heads[1].pool.absent.assign([3, 0])
    logits = block(TOKENS, ABSENT, return_details=True)[1]["logits"]
    close(logits, [[[0.841345, -0.158655]], [[2.995950, 0]]])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"method": "vote"}, "must be 'learned', 'mean' or 'weighted'"),
        ({"method": "weighted"}, "only then"),
        ({"weights": [1, 2]}, "only then"),
        ({"method": "weighted", "weights": [1, 0]}, "must be positive"),
    ],
)
def test_bad_arguments_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        LateFusion(2, **kwargs)


def test_number_of_weights_must_be_that_of_the_modalities():
    with pytest.raises(ValueError, match="a list of 3, one for each modality"):
        build(LateFusion(2, method="weighted", weights=[1, 2]), 2, 2, 2)


@pytest.mark.parametrize(("method", "learned"), [("mean", 0), ("learned", 2)])
def test_parameters_are_as_documented(method, learned):
    # sum_k (d_k m + 4 m + (m + 1) d) + d, d = 4, m = 8, and K more
    block = build(LateFusion(4, method=method, hidden_dim=8), 3, 2)
    assert block.count_params() == (56 + 36) + (48 + 36) + 4 + learned
