from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mmkeras")
class RetrievalRecall(keras.metrics.Metric):
    """Recall@K within a batch, where the item of a row's own number belongs to it.

    It depends on the size of the batch (of each replica), so it is for watching a
    training; `retrieval_scores` is for a whole set.

    Args:
        k: int.
        name: string, `"recall_at_K"` by default.
        dtype: string or `keras.DTypePolicy`.

    Call arguments:
        y_true: not used.
        y_pred: float `[rows, rows]`, the similarity of queries and items.
        sample_weight: float `[rows]`.
    """

    def __init__(self, k: int = 1, name: str | None = None, dtype=None):
        super().__init__(name=name or f"recall_at_{k}", dtype=dtype)
        self.k = k
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        own = ops.expand_dims(ops.diagonal(y_pred), -1)
        # Equals count as ahead, so that one score for all is not a success.
        ahead = ops.sum(ops.cast(y_pred >= own, "float32"), axis=-1) - 1
        found = ops.cast(ahead < self.k, "float32")
        weights = ops.ones_like(found)
        if sample_weight is not None:
            weights = ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
        self.total.assign_add(ops.sum(found * weights))
        self.count.assign_add(ops.sum(weights))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)

    def reset_state(self):
        self.total.assign(0.0)
        self.count.assign(0.0)

    def get_config(self):
        return {**super().get_config(), "k": self.k}
