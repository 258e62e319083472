from __future__ import annotations

import keras

from mmkeras.layers.text_encoder import TextEncoder

_CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


@keras.saving.register_keras_serializable(package="mmkeras")
class RecurrentTextEncoder(TextEncoder):
    """Reads a text word by word: an embedding and recurrent layers.

    Padding is passed over, at whichever end it stands: it changes no state.

    Args:
        vocabulary_size: int.
        dim: int, dimension of the embedding and of the output.
        cell: string, `"gru"` or `"lstm"`.
        bidirectional: bool, whether the text is also read backwards. Each direction
            then gives one half of the output.
        num_layers: int, number of recurrent layers.
        dropout: float, share of what goes into each layer that is dropped in
            training.
        pad_token_id: int, the token that stands for no text.

    Call arguments:
        token_ids: int `[rows, length]`.
        training: bool.

    Output shape:
        float `[rows, length, dim]`, a state for each token; 0 at padding.

    Raises:
        ValueError: if `cell` is not known, or `bidirectional` comes with an odd `dim`.

    Example:
        ```python
        encoder = RecurrentTextEncoder(vocabulary_size=100, dim=64)
        encoder(np.array([[7, 8, 9, 0, 0]])).shape  # (1, 5, 64)
        ```

    Reference:
        - [Cho et al., 2014](https://arxiv.org/abs/1406.1078) (GRU)
        - [Hochreiter and Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735)
          (LSTM)
    """

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        cell: str = "gru",
        bidirectional: bool = False,
        num_layers: int = 1,
        dropout: float = 0.0,
        pad_token_id: int = 0,
        **kwargs,
    ):
        super().__init__(dim, pad_token_id, **kwargs)
        if cell not in _CELLS:
            raise ValueError(
                f"`cell` must be one of {sorted(_CELLS)}. Received: cell={cell!r}."
            )
        if bidirectional and dim % 2:
            raise ValueError(
                "With `bidirectional=True`, each direction gives one half of `dim`, "
                f"which must be even. Received: dim={dim}."
            )
        self.vocabulary_size = vocabulary_size
        self.cell = cell
        self.bidirectional = bidirectional
        self.num_layers = num_layers
        self.dropout_rate = dropout
        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            vocabulary_size, dim, name="embedding", dtype=policy
        )
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=policy)
        self.readers = [self._reader(f"reader_{i}") for i in range(num_layers)]

    def _reader(self, name):
        units = self.dim // 2 if self.bidirectional else self.dim
        reader = _CELLS[self.cell](
            units,
            return_sequences=True,
            # cuDNN refuses a row that is padding alone.
            use_cudnn=False,
            name=name,
            dtype=self.dtype_policy,
        )
        if not self.bidirectional:
            return reader
        return keras.layers.Bidirectional(reader, name=name, dtype=self.dtype_policy)

    def build(self, input_shape):
        self.embedding.build(input_shape)
        for reader in self.readers:
            reader.build((*input_shape, self.dim))

    def encode(self, token_ids, mask, training=None):
        x = self.embedding(token_ids)
        for reader in self.readers:
            x = self.dropout(x, training=training)
            x = reader(x, mask=mask, training=training)
        return x

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "dim": self.dim,
            "cell": self.cell,
            "bidirectional": self.bidirectional,
            "num_layers": self.num_layers,
            "dropout": self.dropout_rate,
            "pad_token_id": self.pad_token_id,
        }
