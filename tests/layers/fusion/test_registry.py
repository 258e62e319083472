import pytest

from mmkeras.layers import fusion


def test_names_are_those_of_the_issue():
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


def test_a_layer_is_passed_through():
    block = fusion.GatedFusion(4)
    assert fusion.get(block) is block
    assert fusion.get(block, dim=8) is block
    with pytest.raises(ValueError, match="Give num_layers to its constructor"):
        fusion.get(block, num_layers=2)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'gated'.*concatenation, film"):
        fusion.get("gatd", dim=4)
    with pytest.raises(ValueError, match=r"no fusion block \['gated'\]"):
        fusion.get(["gated"], dim=4)


def test_a_name_needs_a_dimension():
    with pytest.raises(ValueError, match="needs `dim=`"):
        fusion.get("gated")


def test_a_name_is_taken_once():
    fusion.register("gated", fusion.GatedFusion)
    with pytest.raises(ValueError, match="'gated' is GatedFusion already"):
        fusion.register("gated", fusion.FiLMFusion)
