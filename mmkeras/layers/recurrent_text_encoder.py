from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from mmkeras.arguments import check_choice
from mmkeras.layers.text_encoder import TextEncoder

if TYPE_CHECKING:
    import tensorflow as tf

_CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


@keras.saving.register_keras_serializable(package="mmkeras")
class RecurrentTextEncoder(TextEncoder):
    """Recurrent encoder over the tokens of a text: an embedding and GRUs or LSTMs.

    Padding is skipped wherever it occurs: it changes no state.

    Args:
        vocabulary_size: int.
        dim: int, dimension of the embedding and of the output.
        cell: string, `"gru"` or `"lstm"`.
        bidirectional: bool, whether to process the text in both directions. Each
            direction then returns one half of the output.
        num_layers: int, number of recurrent layers.
        dropout: float, fraction of the inputs of each recurrent layer to drop in
            training.
        pad_token_id: int, the padding token.

    Call arguments:
        token_ids: int `[rows, length]`.
        training: bool.

    Output shape:
        float `[rows, length, dim]`, the state after each token; 0 at padding.

    Raises:
        ValueError: if `cell` is unknown, or `dim` is odd with `bidirectional=True`.

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
        **kwargs: Any,
    ):
        super().__init__(dim, pad_token_id, **kwargs)
        check_choice("cell", cell, _CELLS)
        if bidirectional and dim % 2:
            raise ValueError(
                "With `bidirectional=True`, each direction returns one half of `dim`, "
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
        self.readers = [self._recurrent(f"reader_{i}") for i in range(num_layers)]

    def _recurrent(self, name):
        units = self.dim // 2 if self.bidirectional else self.dim
        layer = _CELLS[self.cell](
            units,
            return_sequences=True,
            # cuDNN does not support a row of padding only.
            use_cudnn=False,
            name=name,
            dtype=self.dtype_policy,
        )
        if not self.bidirectional:
            return layer
        return keras.layers.Bidirectional(layer, name=name, dtype=self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embedding.build(input_shape)
        for layer in self.readers:
            layer.build((*input_shape, self.dim))

    def encode(
        self, token_ids: tf.Tensor, mask: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        x = self.embedding(token_ids)
        for layer in self.readers:
            x = self.dropout(x, training=training)
            x = layer(x, mask=mask, training=training)
        return x

    def get_config(self) -> dict[str, Any]:
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
