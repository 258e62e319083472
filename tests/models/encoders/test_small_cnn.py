import numpy as np
import pytest

from mmkeras.models import small_cnn


def test_stride_and_width():
    model = small_cnn(np.int64(48), width=4)
    assert model.output_shape == (None, 3, 3, 24)


@pytest.mark.parametrize("image_size", [50, 0, -16])
def test_wrong_size(image_size):
    with pytest.raises(ValueError, match="multiple of 16"):
        small_cnn(image_size)
