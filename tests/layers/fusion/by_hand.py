"""Weights set by hand, and tokens unchanged by layer normalization.

`U` and `W` have a mean of 0 and a variance of 1. All values of the tests hold to 1e-4,
as normalizations add 1e-5 to the variance.
"""

import numpy as np

U = np.array([1.0, 1.0, -1.0, -1.0], "float32")
W = np.array([1.0, -1.0, 1.0, -1.0], "float32")


def set_dense(dense, kernel=0.0, bias=0.0):
    """`kernel` and `bias` broadcast; a kernel of 1 is the identity."""
    shape = dense.kernel.shape
    kernel = np.eye(*shape) if np.ndim(kernel) == 0 and kernel == 1 else kernel
    dense.kernel.assign(np.broadcast_to(kernel, shape))
    if dense.use_bias:
        dense.bias.assign(np.broadcast_to(bias, dense.bias.shape))


def rows(*tokens):
    """One row of these tokens."""
    return np.array([tokens], "float32")


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=1e-4)


def build(block, *dims):
    block.build([(None, None, dim) for dim in dims])
    return block
