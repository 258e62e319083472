import numpy as np
import pytest

from mmkeras.layers.fusion import ConcatenationFusion, GatedFusion, HybridFusion
from tests.layers.fusion.by_hand import build, close, rows, set_dense


def by_hand():
    """The other block returns (8, 4), the branches (1, 2) and (3, -2)."""
    block = build(HybridFusion(2, fusion="concatenation"), 2, 2)
    set_dense(block.joint.output_dense, 0, [8, 4])
    for branch, output in zip(block.branches, [[1, 2], [3, -2]], strict=True):
        set_dense(branch.dense, 0, output)
    # exp(ln 2) = 2 to 1 to 1
    block.balance.assign([np.log(2), 0, 0])
    return block


def test_by_hand():
    # 1/2 (8, 4) + 1/4 (1, 2) + 1/4 (3, -2)
    tokens = [rows([1, -1]), rows([-1, 1])]
    fused, details = by_hand()(tokens, return_details=True)
    close(fused, [[5, 2]])
    close(details["branches"], [[[1, 2]], [[3, -2]]])
    close(details["weights"], [[0.5, 0.25, 0.25]])


def test_absent_modality_has_no_branch():
    # 2/3 (8, 4) + 1/3 (1, 2)
    tokens = [rows([1, -1]), rows([-1, 1])]
    fused = by_hand()(tokens, [None, np.array([[False]])])
    close(fused, [[17 / 3, 10 / 3]])


def test_the_other_block_may_be_a_layer():
    block = HybridFusion(4, fusion=ConcatenationFusion(4, hidden_dim=3))
    again = HybridFusion.from_config(block.get_config())
    assert isinstance(again.joint, ConcatenationFusion)
    assert again.joint.hidden_dim == 3


def test_the_other_block_must_have_the_same_dimension():
    with pytest.raises(ValueError, match="with dim=8"):
        HybridFusion(4, fusion=GatedFusion(8))


def test_parameters_are_as_documented():
    # The other block's, and sum_k (d_k d + 5 d + d^2) + K + 1 + d, d = 4
    block = build(HybridFusion(4, fusion="gated"), 3, 2)
    other = build(GatedFusion(4), 3, 2).count_params()
    assert block.count_params() == other + (48 + 44) + 3 + 4
