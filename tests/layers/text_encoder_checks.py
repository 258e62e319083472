"""Checks that every text encoder must pass."""

import numpy as np


def check_padding(encoder, pad_embedding=None):
    """Checks that neither the amount of padding nor its embedding has an effect.

    Args:
        encoder: a built text encoder with a vocabulary of at least 8.
        pad_embedding: the variable `[vocabulary, dim]` of the token embedding.
    """
    pad = encoder.pad_token_id
    token_ids = np.array([[5, 6, 7, pad, pad], [pad] * 5, [7, 7, pad, pad, pad]])
    present = token_ids != pad
    np.testing.assert_array_equal(encoder.mask(token_ids), present)
    output = np.asarray(encoder(token_ids))
    assert output.shape == (3, 5, encoder.dim)
    assert np.all(output[present].any(-1)) and not np.any(output[~present])
    longer = np.pad(token_ids, [(0, 0), (0, 3)], constant_values=pad)
    np.testing.assert_allclose(encoder(longer)[:, :5], output, atol=1e-6)
    table = pad_embedding.numpy()
    table[pad] = 1e4
    pad_embedding.assign(table)
    np.testing.assert_array_equal(encoder(token_ids), output)
