from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class RetrievalRecall(keras.metrics.Metric):
    """Recall@K within a batch, whose queries match the items of the same index.

    It depends on the batch size (of each replica), so use it to monitor training, and
    `retrieval_scores` to evaluate a whole set.

    Args:
        k: int, number of retrieved items.
        name: string, `"recall_at_K"` by default.
        dtype: string or `keras.DTypePolicy`.

    Call arguments:
        y_true: not used.
        y_pred: float `[rows, rows]`, the similarity of queries and items.
        sample_weight: float `[rows]`.
    """

    def __init__(
        self,
        k: int = 1,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ):
        k = whole_number("k", k, 1)
        super().__init__(name=name or f"recall_at_{k}", dtype=dtype)
        self.k = k
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(
        self,
        y_true: tf.Tensor,
        y_pred: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> None:
        own = ops.expand_dims(ops.diagonal(y_pred), -1)
        # Ties count as ahead, so that equal scores for all items are not a success.
        ahead = ops.sum(ops.cast(y_pred >= own, "float32"), axis=-1) - 1
        retrieved = ops.cast(ahead < self.k, "float32")
        weights = ops.ones_like(retrieved)
        if sample_weight is not None:
            weights = ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
        self.total.assign_add(ops.sum(retrieved * weights))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> tf.Tensor:
        return ops.divide_no_nan(self.total, self.count)

    def reset_state(self) -> None:
        self.total.assign(0.0)
        self.count.assign(0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}
