import pytest

from mmkeras.layers import fusion


def test_names():
    assert set(fusion.names()) >= {
        "bidirectional_cross_attention",
        "concatenation",
        "film",
        "gated",
        "hybrid",
        "late",
        "low_rank_bilinear",
        "shared_attention",
        "single_stream",
        "stacked_attention",
    }
    assert fusion.names() == sorted(fusion.names())


def test_get_by_name():
    block = fusion.get("stacked_attention", dim=4, num_layers=3)
    assert isinstance(block, fusion.StackedAttentionFusion)
    assert (block.dim, block.num_layers) == (4, 3)


def test_a_layer_is_returned_unchanged():
    block = fusion.GatedFusion(4)
    assert fusion.get(block) is block
    assert fusion.get(block, dim=8) is block
    with pytest.raises(ValueError, match="Pass num_layers to its constructor"):
        fusion.get(block, num_layers=2)


def test_the_error_of_an_unknown_name_suggests_the_closest():
    with pytest.raises(ValueError, match="Did you mean 'gated'.*concatenation, film"):
        fusion.get("gatd", dim=4)
    with pytest.raises(ValueError, match=r"Unknown fusion block \['gated'\]"):
        fusion.get(["gated"], dim=4)


def test_a_name_requires_a_dimension():
    with pytest.raises(ValueError, match="requires `dim`"):
        fusion.get("gated")


def test_a_name_is_registered_once():
    fusion.register("gated", fusion.GatedFusion)
    with pytest.raises(
        ValueError, match="'gated' is already registered for GatedFusion"
    ):
        fusion.register("gated", fusion.FiLMFusion)
