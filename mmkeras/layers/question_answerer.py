from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from mmkeras.layers.masked_mean import masked_mean

_TEXT, _ANSWER = "text", "answer"


@keras.saving.register_keras_serializable(package="mmkeras")
class QuestionAnswerer(keras.layers.Layer):
    """Fuses questions with encoded modalities, such as an image, and scores answers.

    A text encoder encodes each question, and a fusion block combines it with the tokens
    of one or more modalities. Several questions share these tokens, so that encoders of
    modalities need not run once for each question. A head with one hidden layer scores
    the answers: after blocks that add question and image features, a linear one could
    not tell whether they match. In training, equal questions of a batch are encoded
    once.

    Args:
        text_encoder: a layer from token ids `[rows, length]` to
            `[rows, length, dim]`, with `mask(token_ids)`.
        fusion: a fusion block of `mmkeras.layers.fusion`, which receives the modalities
            in the order of `modalities`, the question last. A block that itself returns
            scores of the answers (`returns_logits`, e.g. `LateFusion`) is used without
            the head.
        num_answers: int, or `None` for no head: the output is then that of the block.
        dropout: float, dropout rate before each layer of the head.
        modality_heads: bool, whether to score the answers from each modality alone and
            from the question alone too, for the multimodal objective
            `L = ℓ + Σ_k λ_k ℓ_k`.
        modality_dropout: dict of float, for the names of modalities and `"text"`: the
            fraction of the questions that in training lack this modality or are left
            blank, drawn independently. It teaches the model to handle missing inputs.
        modalities: names of the modalities, without the question.

    Call arguments:
        tokens: float `[batch, n, dim]`, the tokens of the only modality, or a list of
            such tensors, one for each of `modalities`.
        token_ids: int `[batch, questions, length]`.
        masks: `None` if all tokens are valid, or for the only modality or as a list of
            one for each: `None`, or bool or int `[batch]`, whether the modality is
            present, or `[batch, n]`, whether each token is valid.
        training: bool.
        return_details: bool.

    Output shape:
        float32 logits `[batch, questions, num_answers]`, or without a head
        `[batch, questions, fusion.dim]`. With `modality_heads=True` a dict of logits:
        `"answer"`, one for each of `modalities`, and `"text"`. With
        `return_details=True` also a dict of the block's `"tokens"` and `"attention"`,
        if it has them, for `[batch * questions]` rows.

    Raises:
        ValueError: if `modalities` or `modality_dropout` is invalid, `modality_heads`
            is combined with `num_answers=None`, or, on a call, if the number of token
            sets or masks is not that of the modalities.

    Example:
        ```python
        answerer = QuestionAnswerer(
            RecurrentTextEncoder(vocabulary_size=100, dim=64),
            fusion.GatedFusion(dim=64), num_answers=10, modalities=("video", "audio"))
        frames, sounds = np.zeros((2, 8, 32)), np.zeros((2, 20, 16))
        questions = np.array([[[7, 8, 9]], [[4, 5, 0]]])
        answerer([frames, sounds], questions, [None, [True, False]]).shape  # (2, 1, 10)
        ```

    Reference:
        - [Antol et al., 2015](https://arxiv.org/abs/1505.00468)
        - [Neverova et al., 2016](https://arxiv.org/abs/1501.00102) (modality dropout)
    """

    def __init__(
        self,
        text_encoder: keras.layers.Layer,
        fusion: keras.layers.Layer,
        num_answers: int | None,
        dropout: float = 0.1,
        modality_heads: bool = False,
        modality_dropout: dict[str, float] | None = None,
        modalities: Sequence[str] = ("image",),
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if modality_heads and num_answers is None:
            raise ValueError(
                "`modality_heads` score answers: pass `num_answers` with them."
            )
        self.text_encoder = text_encoder
        self.fusion = fusion
        self.num_answers = num_answers
        self.dropout_rate = dropout
        self.modality_heads = modality_heads
        self.modalities = _checked_names(modalities)
        self.modality_dropout = _checked_rates(modality_dropout, self.modalities)
        self.seed_generator = keras.random.SeedGenerator()
        policy = self.dtype_policy
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=policy)
        self.head_hidden = self.head = None
        if num_answers is not None and not fusion.returns_logits:
            self.head_hidden = keras.layers.Dense(
                2 * fusion.dim, activation="gelu", name="head_hidden", dtype=policy
            )
            self.head = keras.layers.Dense(num_answers, name="head", dtype=policy)
        heads = (*self.modalities, _TEXT) if modality_heads else ()
        self.heads = {
            name: keras.layers.Dense(num_answers, name=f"{name}_head", dtype=policy)
            for name in heads
        }

    def build(
        self,
        tokens_shape: tuple[int | None, ...] | list[tuple[int | None, ...]],
        token_ids_shape: tuple[int | None, ...],
    ) -> None:
        length = token_ids_shape[-1]
        shapes = tokens_shape if _is_nested(tokens_shape) else [tokens_shape]
        self._check_number("tokens", shapes)
        if not self.text_encoder.built:
            self.text_encoder.build((None, length))
        shapes = [(None, *shape[1:]) for shape in shapes]
        shapes.append((None, length, self.text_encoder.dim))
        if not self.fusion.built:
            self.fusion.build(shapes)
        if self.head is not None:
            self.head_hidden.build((None, self.fusion.dim))
            self.head.build((None, 2 * self.fusion.dim))
        for head, shape in zip(self.heads.values(), shapes, strict=False):
            head.build((None, shape[-1]))

    def call(
        self,
        tokens: tf.Tensor | list[tf.Tensor],
        token_ids: tf.Tensor,
        masks: tf.Tensor | list[tf.Tensor | None] | None = None,
        training: bool | None = None,
        return_details: bool = False,
    ) -> Any:
        shape = ops.shape(token_ids)
        batch, questions = shape[0], shape[1]
        token_ids = ops.reshape(token_ids, (-1, shape[2]))
        tokens = tokens if isinstance(tokens, (list, tuple)) else [tokens]
        self._check_number("tokens", tokens)
        masks = self._masks(tokens, masks, token_ids, questions, training)
        # One row for each question.
        tokens = [ops.repeat(x, questions, axis=0) for x in tokens]
        tokens.append(self._encode(token_ids, training))
        fused, details = self.fusion(
            tokens, masks=masks, training=training, return_details=True
        )
        logits = {_ANSWER: self._score(fused, training)}
        for (name, head), x, mask in zip(
            self.heads.items(), tokens, masks, strict=False
        ):
            logits[name] = head(masked_mean(x, mask))
        logits = {
            name: ops.reshape(ops.cast(x, "float32"), (batch, questions, self._width()))
            for name, x in logits.items()
        }
        logits = logits if self.modality_heads else logits[_ANSWER]
        return (logits, details) if return_details else logits

    def _encode(self, token_ids, training):
        # Only in training: the runtimes of exported models may lack the operation.
        if not training:
            return self.text_encoder(token_ids, training=False)
        return _encode_distinct(
            lambda distinct: self.text_encoder(distinct, training=True), token_ids
        )

    def _width(self) -> int:
        return self.fusion.dim if self.num_answers is None else self.num_answers

    def _check_number(self, argument, values):
        if len(values) != len(self.modalities):
            raise ValueError(
                f"`{argument}` must be a list of {len(self.modalities)}, one for each "
                f"of the modalities {', '.join(self.modalities)}. Received: a list of "
                f"{len(values)}."
            )

    def _masks(self, tokens, masks, token_ids, questions, training):
        """bool `[rows, n]` for each modality, and `[rows, length]` of the question."""
        if masks is None:
            masks = [None] * len(tokens)
        masks = masks if isinstance(masks, (list, tuple)) else [masks]
        self._check_number("masks", masks)
        masks = [
            ops.repeat(_token_mask(x, mask), questions, axis=0)
            for x, mask in zip(tokens, masks, strict=True)
        ]
        masks.append(self.text_encoder.mask(token_ids))
        if not training:
            return masks
        rows = ops.shape(token_ids)[:1]
        return [
            ops.logical_and(mask, ops.expand_dims(self._kept(name, rows), 1))
            for name, mask in zip((*self.modalities, _TEXT), masks, strict=True)
        ]

    def _kept(self, modality, shape):
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        return drawn >= self.modality_dropout.get(modality, 0.0)

    def _score(self, fused, training):
        if self.head is None:
            return fused
        hidden = self.head_hidden(self.dropout(fused, training=training))
        return self.head(self.dropout(hidden, training=training))

    def compute_output_shape(
        self,
        tokens_shape: tuple[int | None, ...] | list[tuple[int | None, ...]],
        token_ids_shape: tuple[int | None, ...],
    ) -> tuple[int | None, ...] | dict[str, tuple[int | None, ...]]:
        shape = (*token_ids_shape[:2], self._width())
        if not self.modality_heads:
            return shape
        return dict.fromkeys((_ANSWER, *self.heads), shape)

    def compute_output_spec(
        self,
        tokens: keras.KerasTensor | list[keras.KerasTensor],
        token_ids: keras.KerasTensor,
        masks: Any = None,
        training: bool | None = None,
        return_details: bool = False,
    ) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
        shape = (*token_ids.shape[:2], self._width())
        logits = keras.KerasTensor(shape, "float32")
        if not self.modality_heads:
            return logits
        names = (_ANSWER, *self.heads)
        return {name: keras.KerasTensor(shape, "float32") for name in names}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "text_encoder": keras.saving.serialize_keras_object(self.text_encoder),
            "fusion": keras.saving.serialize_keras_object(self.fusion),
            "num_answers": self.num_answers,
            "dropout": self.dropout_rate,
            "modality_heads": self.modality_heads,
            "modality_dropout": self.modality_dropout,
            "modalities": list(self.modalities),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> QuestionAnswerer:
        config = dict(config)
        for part in ("text_encoder", "fusion"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        # Set on this layer, it would unfreeze a frozen text encoder.
        config.pop("trainable", None)
        return cls(**config)


def _checked_names(modalities) -> tuple[str, ...]:
    names = () if isinstance(modalities, str) else tuple(modalities)
    valid = all(isinstance(name, str) for name in names) and len(set(names)) > 0
    if not valid or len(set(names)) < len(names) or {_TEXT, _ANSWER} & set(names):
        raise ValueError(
            "`modalities` must be distinct names of modalities, e.g. ('image',), other "
            "than 'text', which is the question, and 'answer'. Received: "
            f"modalities={modalities!r}."
        )
    return names


def _checked_rates(rates, modalities) -> dict[str, float]:
    rates = {} if rates is None else rates
    names = (*modalities, _TEXT)
    valid = isinstance(rates, Mapping) and set(rates) <= set(names)
    if not valid or not all(
        isinstance(rate, numbers.Real) and 0 <= rate < 1 for rate in rates.values()
    ):
        raise ValueError(
            "`modality_dropout` must be a dict of rates of at least 0 and less than 1 "
            f"for {', '.join(map(repr, names))}, e.g. {dict.fromkeys(names, 0.1)}. "
            f"Received: modality_dropout={rates!r}."
        )
    return dict(rates)


def _is_nested(shape) -> bool:
    return bool(shape) and isinstance(shape[0], (list, tuple))


def _token_mask(tokens, mask):
    """bool `[batch, n]` of a mask of tokens, of whole samples, or `None`."""
    shape = ops.shape(tokens)[:2]
    if mask is None:
        return ops.ones(shape, "bool")
    # It may be float: Keras averages the first batch over replicas to infer shapes.
    mask = ops.cast(mask, "bool")
    if len(mask.shape) == 2:
        return mask
    return ops.broadcast_to(ops.expand_dims(mask, 1), shape)


def _encode_distinct(encode: Callable, token_ids):
    """Encodes equal texts once.

    The questions about the images of a batch are often the same few, and rows of
    padding are all equal. Equal texts share the activations that dropout drops.

    Args:
        encode: callable from int `[distinct, length]` to `[distinct, ...]`.
        token_ids: int `[rows, length]`.

    Returns:
        `[rows, ...]`, the encoding of each row.
    """
    # The GPU kernel supports vectors only.
    with tf.device("CPU:0"):
        distinct, place = tf.raw_ops.UniqueV2(x=token_ids, axis=[0])
    distinct = tf.ensure_shape(distinct, (None, *token_ids.shape[1:]))
    return tf.gather(encode(distinct), place)
