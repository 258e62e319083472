from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
from keras import ops

from mmkeras.arguments import real_number, whole_number

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that warms up linearly and then decays to 0 by a cosine.

    The number of steps is a variable, so that it can be set when it is known, and set
    again for another training, without replacing the optimizer or tracing the
    training step again. `fit` of a task that is compiled with `optimizer="auto"`
    does so.

    The rate rises from 0 to `peak` over the first tenth of the steps, at most 500 of
    them, and reaches 0 at the last step. As long as the number of steps is 0, the
    rate is `peak`.

    Args:
        peak: float, the highest learning rate.
        total_steps: int, the number of steps of the training, or 0 if it is unknown.
        start_step: int, the optimizer's step at which the training starts.

    Call arguments:
        step: int scalar, the optimizer's step.

    Example:
        ```python
        schedule = WarmupCosine(3e-3)
        model.compile(ConvMuon(schedule), "sparse_categorical_crossentropy")
        schedule.begin(total_steps=100)
        ```

    Reference:
        - [Loshchilov and Hutter, 2017](https://arxiv.org/abs/1608.03983)
    """

    def __init__(self, peak: float, total_steps: int = 0, start_step: int = 0):
        super().__init__()
        self.peak = real_number("peak", peak)
        self.total_steps = _step_variable("total_steps", total_steps)
        self.start_step = _step_variable("start_step", start_step)

    def begin(self, total_steps: int, start_step: int = 0) -> None:
        """Starts the schedule from the beginning.

        Args:
            total_steps: int, at least 1.
            start_step: int, the current step of the optimizer.

        Raises:
            ValueError: if a number is not an integer or out of range.
        """
        self.total_steps.assign(whole_number("total_steps", total_steps, 1))
        self.start_step.assign(whole_number("start_step", start_step, 0))

    def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
        total = ops.convert_to_tensor(self.total_steps)
        warmup = ops.minimum(500, ops.maximum(1, total // 10))
        decay = ops.maximum(1, total - warmup)
        step = ops.cast(step, total.dtype) - self.start_step
        step = ops.minimum(step, warmup + decay)
        step, warmup, decay = (ops.cast(x, "float32") for x in (step, warmup, decay))
        rising = self.peak * (step / warmup)
        falling = self.peak * (0.5 * (1 + ops.cos(math.pi * ((step - warmup) / decay))))
        scheduled = ops.where(step < warmup, rising, falling)
        return ops.where(total > 0, scheduled, self.peak)

    def get_config(self) -> dict:
        return {
            "peak": self.peak,
            "total_steps": int(self.total_steps.numpy()),
            "start_step": int(self.start_step.numpy()),
        }


def _step_variable(name, value) -> keras.Variable:
    return keras.Variable(
        whole_number(name, value, 0),
        dtype="int64",
        trainable=False,
        aggregation="only_first_replica",
        name=name,
    )
