import pytest
import tensorflow as tf

from mmkeras.layers.fusion import GatedFusion, StackedAttentionFusion


@pytest.mark.parametrize("block_class", [GatedFusion, StackedAttentionFusion])
def test_tokens_must_have_the_same_number_of_rows(block_class):
    tokens = [tf.zeros([2, 5, 4]), tf.zeros([3, 6, 4])]
    with pytest.raises(ValueError, match="same number of rows.*tokens of 2 and 3 rows"):
        block_class(dim=4)(tokens)
