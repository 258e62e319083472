from __future__ import annotations

import collections
import math
import re
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from mmkeras.optimizers.warmup_cosine import WarmupCosine


@keras.saving.register_keras_serializable(package="mmkeras")
class ConvMuon(keras.optimizers.Muon):
    """Muon for the kernels of 2-D convolutions too.

    `keras.optimizers.Muon` updates matrices only and leaves convolutions to AdamW. A
    convolution is a matrix as well, from the values under its window to its output
    channels, and is updated here as that matrix, `[rows * columns * input channels,
    output channels]`. Depthwise kernels, which mix no channels, are updated by AdamW,
    as are embeddings, vectors and scalars.

    Matrices of the same size are updated together, and a learning-rate schedule is
    evaluated once for all variables, which makes the training step several times
    faster to trace.

    Args:
        *args: arguments of `keras.optimizers.Muon`.
        **kwargs: arguments of `keras.optimizers.Muon`.

    Example:
        ```python
        model.compile(ConvMuon(3e-3), "sparse_categorical_crossentropy")
        ```

    Reference:
        - [Jordan et al., 2024](https://kellerjordan.github.io/posts/muon/)
        - [Liu et al., 2025](https://arxiv.org/abs/2502.16982)
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if isinstance(self._learning_rate, WarmupCosine):
            # Saved with the optimizer's state: a restored run resumes its schedule.
            self.schedule_start = self._learning_rate.start_step

    def _should_use_adamw(self, variable):
        if len(variable.shape) != 4:
            return super()._should_use_adamw(variable)
        # Keras keeps a depthwise kernel as [rows, columns, channels, multiplier].
        if variable.shape[-1] == 1 or "depthwise" in variable.path:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _clip_gradients(self, grads):
        if not self.clipnorm:
            return super()._clip_gradients(grads)
        grads = [tf.convert_to_tensor(grad) for grad in grads]
        # Half the square of each norm; all factors at once.
        halves = tf.stack([tf.nn.l2_loss(tf.cast(g, "float32")) for g in grads])
        factors = tf.minimum(1.0, self.clipnorm * tf.math.rsqrt(2.0 * halves))
        pairs = zip(grads, tf.unstack(factors), strict=True)
        return [grad * tf.cast(factor, grad.dtype) for grad, factor in pairs]

    def _apply_weight_decay(self, variables):
        rate = self.learning_rate
        kept = {
            decay: 1.0 - decay * rate
            for decay in {self.weight_decay, self.adam_weight_decay} - {None}
        }
        for variable in variables:
            adamw = self._should_use_adamw(variable)
            decay = self.adam_weight_decay if adamw else self.weight_decay
            if decay is not None and self._use_weight_decay(variable):
                variable.assign(variable * ops.cast(kept[decay], variable.dtype))

    # Keras calls this where it would update one variable after the other.
    def _distributed_tf_update_step(self, distribution, grads_and_vars, learning_rate):
        groups = collections.defaultdict(list)
        for gradient, variable in grads_and_vars:
            groups[self._group(variable)].append((gradient, variable))
        for (size, _), pairs in groups.items():
            update = self._update_by_adamw if size is None else self._update_by_muon
            distribution.extended.update(
                pairs[0][1], update, args=(pairs, learning_rate), group=False
            )

    def _group(self, variable):
        """The key of the group of variables that are updated together."""
        if self.adam_velocities[self._get_variable_index(variable)] is not None:
            return None, variable.dtype
        last = variable.shape[-1]
        size = sorted((variable.shape.num_elements() // last, last))
        return tuple(size), variable.dtype

    def _update_by_adamw(self, first, pairs, learning_rate):
        dtype = first.dtype
        step = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2, epsilon = (
            tf.constant(value, dtype)
            for value in (self.adam_beta_1, self.adam_beta_2, self.epsilon)
        )
        settings = {
            "beta1_power": beta_1**step,
            "beta2_power": beta_2**step,
            "lr": tf.cast(learning_rate * self.adam_lr_ratio, dtype),
            "beta1": beta_1,
            "beta2": beta_2,
            "epsilon": epsilon,
        }
        for gradient, variable in pairs:
            index = self._get_variable_index(variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self.momentums[index].value.handle,
                v=self.adam_velocities[index].value.handle,
                grad=tf.cast(gradient, dtype),
                **settings,
            )

    def zeropower_via_newtonschulz5(self, x: tf.Tensor, steps: int) -> tf.Tensor:
        """Keras's iteration for matrices no taller than wide, without transposing."""
        a, b, c = self.muon_a, self.muon_b, self.muon_c
        x = x / (ops.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)
        for _ in range(steps):
            gram = tf.matmul(x, x, transpose_b=True)
            x = a * x + tf.matmul(b * gram + c * tf.matmul(gram, gram), x)
        return x

    def _update_by_muon(self, first, pairs, learning_rate):
        momentums = [
            self.momentums[self._get_variable_index(v)].value for _, v in pairs
        ]
        shapes = [variable.shape for _, variable in pairs]
        gradients = _as_wide_matrices([gradient for gradient, _ in pairs], shapes)
        moved = gradients + self.momentum * _as_wide_matrices(momentums, shapes)
        aim = gradients + self.momentum * moved if self.nesterov else moved
        updates = self.zeropower_via_newtonschulz5(aim, self.ns_steps)
        learning_rate = tf.cast(learning_rate, updates.dtype)
        if self.rms_rate is not None:
            learning_rate *= self.rms_rate * math.sqrt(aim.shape[-1])
        moved = _from_wide_matrices(moved, shapes)
        updates = _from_wide_matrices(learning_rate * updates, shapes)
        for (_, variable), *rest in zip(pairs, momentums, moved, updates, strict=True):
            momentum, new, update = rest
            momentum.assign(new)
            variable.assign_sub(update)


def _as_wide_matrices(tensors, shapes):
    """Stack kernels as matrices with no more rows than columns."""
    found = []
    for x, shape in zip(tensors, shapes, strict=True):
        rows, columns = shape.num_elements() // shape[-1], shape[-1]
        matrix = tf.reshape(x, (rows, columns))
        found.append(tf.transpose(matrix) if rows > columns else matrix)
    return tf.stack(found)


def _from_wide_matrices(stack, shapes):
    """Restore the kernels that `_as_wide_matrices` stacked."""
    found = []
    for matrix, shape in zip(tf.unstack(stack), shapes, strict=True):
        if matrix.shape[-1] != shape[-1]:
            matrix = tf.transpose(matrix)
        found.append(tf.reshape(matrix, shape))
    return found
