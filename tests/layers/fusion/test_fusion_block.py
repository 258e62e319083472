import pytest
import tensorflow as tf

from mmkeras.layers.fusion import GatedFusion, StackedAttentionFusion


@pytest.mark.parametrize("block_class", [GatedFusion, StackedAttentionFusion])
def test_tokens_of_different_rows_are_refused(block_class):
    tokens = [tf.zeros([2, 5, 4]), tf.zeros([3, 6, 4])]
    with pytest.raises(ValueError, match="as many rows.*tokens of 2 and 3 rows"):
        block_class(dim=4)(tokens)
