from __future__ import annotations

import numbers
from collections.abc import Mapping

import keras
from keras import ops

from mmkeras.layers.read_distinct import read_distinct


@keras.saving.register_keras_serializable(package="mmkeras")
class QuestionAnswerer(keras.layers.Layer):
    """Reads questions about pictures and scores the answers.

    The text encoder reads each question, the fusion block brings it together with
    the regions of its picture, and a head with one hidden layer scores the answers: a
    linear one could not tell whether what was found is what was asked for, after
    blocks that add the two. Several questions share the regions of a picture, so that
    the image encoder need not run once for each. In training, questions of a batch
    that are equal are read once.

    Args:
        text_encoder: a layer from token ids `[rows, length]` to
            `[rows, length, dim]`, with `mask(token_ids)`.
        fusion: a fusion block of `mmkeras.layers.fusion`. One that returns scores of
            the answers itself (`returns_logits`, as `LateFusion`) is not followed by
            the head.
        num_answers: int, or `None` for no head: what the block makes of a question is
            then the output.
        dropout: float, before the head.
        modality_heads: bool, whether the regions alone and the question alone score
            the answers too, for the multimodal objective
            `L = ℓ + α_v ℓ_v + α_t ℓ_t`.
        modality_dropout: dict of float, share of the questions that in training do
            not see their picture (`"image"`), and share that are not read (`"text"`),
            each drawn by itself. What the model makes of a missing picture or
            question is learned from these.

    Call arguments:
        regions: float `[batch, regions, dim]`.
        token_ids: int `[batch, questions, length]`.
        image_mask: bool or int `[batch]`, whether there is a picture, or `None` for
            all.
        training: bool.
        return_details: bool.

    Output shape:
        float32 scores before a softmax or sigmoid, `[batch, questions, num_answers]`
        (or `[batch, questions, dim]` of the block, without a head);
        with `modality_heads=True` a dict of such: `"answer"`, `"image"`, `"text"`.
        With `return_details=True` also a dict of the block's `"tokens"` and
        `"attention"`, where it has them, for `[batch * questions]` rows.

    Raises:
        ValueError: if `modality_dropout` names no modality or is out of range, or
            `modality_heads` come without `num_answers`.

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
        **kwargs,
    ):
        super().__init__(**kwargs)
        if modality_heads and num_answers is None:
            raise ValueError(
                "`modality_heads` score answers: give `num_answers` with them."
            )
        self.text_encoder = text_encoder
        self.fusion = fusion
        self.num_answers = num_answers
        self.dropout_rate = dropout
        self.modality_heads = modality_heads
        self.modality_dropout = _checked_rates(modality_dropout)
        self.seed_generator = keras.random.SeedGenerator()
        policy = self.dtype_policy
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=policy)
        self.head_hidden = self.head = self.image_head = self.text_head = None
        if num_answers is not None and not fusion.returns_logits:
            self.head_hidden = keras.layers.Dense(
                2 * fusion.dim, activation="gelu", name="head_hidden", dtype=policy
            )
            self.head = keras.layers.Dense(num_answers, name="head", dtype=policy)
        if modality_heads:
            self.image_head = keras.layers.Dense(
                num_answers, name="image_head", dtype=policy
            )
            self.text_head = keras.layers.Dense(
                num_answers, name="text_head", dtype=policy
            )

    def build(self, regions_shape, token_ids_shape, image_mask_shape=None):
        length = token_ids_shape[-1]
        if not self.text_encoder.built:
            self.text_encoder.build((None, length))
        regions = (None, *regions_shape[1:])
        text = (None, length, self.text_encoder.dim)
        if not self.fusion.built:
            self.fusion.build([regions, text])
        if self.head is not None:
            self.head_hidden.build((None, self.fusion.dim))
            self.head.build((None, 2 * self.fusion.dim))
        if self.modality_heads:
            self.image_head.build((None, regions[-1]))
            self.text_head.build((None, text[-1]))

    def call(
        self,
        regions,
        token_ids,
        image_mask=None,
        training=None,
        return_details=False,
    ):
        shape = ops.shape(token_ids)
        batch, questions = shape[0], shape[1]
        token_ids = ops.reshape(token_ids, (-1, shape[2]))
        text = self._read(token_ids, training)
        tokens = [_for_each_question(regions, questions), text]
        masks = self._masks(regions, token_ids, image_mask, questions, training)
        fused, details = self.fusion(
            tokens, masks=masks, training=training, return_details=True
        )
        scores = {"answer": self._score(fused, training)}
        if self.modality_heads:
            image, text = (_pool(t, m) for t, m in zip(tokens, masks, strict=True))
            scores["image"] = self.image_head(image)
            scores["text"] = self.text_head(text)
        scores = {
            name: ops.reshape(
                ops.cast(score, "float32"), (batch, questions, self._width())
            )
            for name, score in scores.items()
        }
        scores = scores if self.modality_heads else scores["answer"]
        return (scores, details) if return_details else scores

    def _read(self, token_ids, training):
        # In training alone: exports are for runtimes that may not have the operation.
        if not training:
            return self.text_encoder(token_ids, training=False)
        return read_distinct(
            lambda distinct: self.text_encoder(distinct, training=True), token_ids
        )

    def _width(self) -> int:
        return self.fusion.dim if self.num_answers is None else self.num_answers

    def _masks(self, regions, token_ids, image_mask, questions, training):
        """bool `[rows, regions]` and `[rows, length]`."""
        if image_mask is None:
            image_mask = ops.ones(ops.shape(regions)[:1], "bool")
        # To see shapes, Keras averages the first batch over several replicas.
        image_mask = ops.repeat(ops.cast(image_mask, "bool"), questions, axis=0)
        text_mask = self.text_encoder.mask(token_ids)
        if training:
            rows = ops.shape(token_ids)[:1]
            image_mask = ops.logical_and(image_mask, self._kept("image", rows))
            kept_text = ops.expand_dims(self._kept("text", rows), 1)
            text_mask = ops.logical_and(text_mask, kept_text)
        image_mask = ops.broadcast_to(
            ops.expand_dims(image_mask, 1),
            (ops.shape(image_mask)[0], regions.shape[1]),
        )
        return [image_mask, text_mask]

    def _kept(self, modality, shape):
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        return drawn >= self.modality_dropout.get(modality, 0.0)

    def _score(self, fused, training):
        if self.head is None:
            return fused
        hidden = self.head_hidden(self.dropout(fused, training=training))
        return self.head(self.dropout(hidden, training=training))

    def compute_output_shape(
        self, regions_shape, token_ids_shape, image_mask_shape=None
    ):
        shape = (*token_ids_shape[:2], self._width())
        if not self.modality_heads:
            return shape
        return {"answer": shape, "image": shape, "text": shape}

    def compute_output_spec(
        self, regions, token_ids, image_mask=None, training=None, return_details=False
    ):
        shapes = self.compute_output_shape(regions.shape, token_ids.shape)
        return keras.tree.map_shape_structure(
            lambda shape: keras.KerasTensor(shape, "float32"), shapes
        )

    def get_config(self):
        return {
            **super().get_config(),
            "text_encoder": keras.saving.serialize_keras_object(self.text_encoder),
            "fusion": keras.saving.serialize_keras_object(self.fusion),
            "num_answers": self.num_answers,
            "dropout": self.dropout_rate,
            "modality_heads": self.modality_heads,
            "modality_dropout": self.modality_dropout,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for part in ("text_encoder", "fusion"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        # Set on the whole, it would thaw a text encoder that is frozen.
        config.pop("trainable", None)
        return cls(**config)


def _checked_rates(rates) -> dict[str, float]:
    rates = {} if rates is None else rates
    fine = isinstance(rates, Mapping) and set(rates) <= {"image", "text"}
    if not fine or not all(
        isinstance(rate, numbers.Real) and 0 <= rate < 1 for rate in rates.values()
    ):
        raise ValueError(
            "`modality_dropout` must be a dict of shares for 'image' and 'text' that "
            "are at least 0 and below 1, e.g. {'image': 0.1, 'text': 0.1}. Received: "
            f"modality_dropout={rates!r}."
        )
    return dict(rates)


def _for_each_question(regions, questions):
    """`[batch, regions, dim]` to `[batch * questions, regions, dim]`."""
    return ops.repeat(regions, questions, axis=0)


def _pool(tokens, mask):
    """The mean over the tokens that are there, 0 where there are none."""
    weights = ops.expand_dims(ops.cast(mask, tokens.dtype), -1)
    total = ops.sum(tokens * weights, axis=1)
    return total / ops.maximum(ops.sum(weights, axis=1), 1)
