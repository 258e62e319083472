from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class LayerwiseOptimizer(keras.optimizers.Optimizer):
    """Trains groups of variables at different learning rates.

    A pretrained encoder needs smaller steps than a decoder trained from scratch.
    Variables with the same factor form a group, which is trained by a copy of the
    wrapped optimizer with its learning rate multiplied by the factor. Weight decay and
    clipping are applied within each group.

    Args:
        optimizer: a Keras optimizer that has not been built yet.
        factors: dict from the path of a variable (`variable.path`) to its factor, a
            float above 0. The factor of all other variables is 1.
        name: string.

    Raises:
        ValueError: if a factor is not above 0, the optimizer is built already, or its
            `global_clipnorm` is set, which would need all groups at once.

    Example:
        ```python
        factors = {v.path: 0.1 for v in encoder.trainable_variables}
        model.compile(LayerwiseOptimizer(keras.optimizers.AdamW(1e-3), factors))
        ```

    Reference:
        - [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146), section 3.2
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        factors: dict[str, float],
        name: str = "layerwise",
    ):
        wrong = {k: v for k, v in factors.items() if not 0 < v < float("inf")}
        if wrong:
            raise ValueError(
                "`factors` must be above 0. To freeze a layer, set "
                f"`layer.trainable = False`. Received: {wrong}."
            )
        if optimizer.built:
            raise ValueError(
                "`optimizer` must be one that has not been used yet. Received: "
                f"{optimizer.name!r}, which is built already."
            )
        if optimizer.global_clipnorm is not None:
            raise ValueError(
                "`global_clipnorm` is a norm over all variables, which are trained in "
                "groups here. Use `clipnorm` instead. Received: "
                f"global_clipnorm={optimizer.global_clipnorm}."
            )
        # Never used: `learning_rate` is that of the wrapped optimizer.
        super().__init__(learning_rate=0.0, name=name)
        self.optimizer = optimizer
        self.factors = dict(factors)
        # The wrapped optimizer trains the group of factor 1. It also holds the rate and
        # counts the steps, even if that group is empty.
        self.groups = {1.0: optimizer}
        for factor in sorted(set(map(float, self.factors.values())) - {1.0}):
            self.groups[factor] = _scaled(optimizer, factor)

    @property
    def variables(self) -> list[keras.Variable]:
        return [v for group in self.groups.values() for v in group.variables]

    @property
    def iterations(self) -> keras.Variable:
        return self.optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(
        self, learning_rate: float | keras.optimizers.schedules.LearningRateSchedule
    ) -> Any:
        self.optimizer.learning_rate = learning_rate
        for factor, group in self.groups.items():
            if group is not self.optimizer:
                group.learning_rate = _times(learning_rate, factor)

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        for factor, group in self.groups.items():
            group.build([v for v in variables if self._factor(v) == factor])

    def apply(
        self,
        grads: list[tf.Tensor],
        trainable_variables: list[keras.Variable] | None = None,
    ) -> None:
        if trainable_variables is None:
            trainable_variables = self._trainable_variables
        if not self.built:
            self.build(trainable_variables)
        pairs = list(zip(grads, trainable_variables, strict=True))
        for factor, group in self.groups.items():
            mine = [(g, v) for g, v in pairs if self._factor(v) == factor]
            if mine:
                group.apply(*zip(*mine, strict=True))
            elif group is self.optimizer:
                # `iterations` is that of this group.
                group.iterations.assign_add(1)

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        for factor, group in self.groups.items():
            group.finalize_variable_values(
                [v for v in var_list if self._factor(v) == factor]
            )

    def _factor(self, variable) -> float:
        return float(self.factors.get(variable.path, 1.0))

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "factors": self.factors,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> LayerwiseOptimizer:
        optimizer = keras.saving.deserialize_keras_object(
            config["optimizer"], custom_objects
        )
        return cls(optimizer, config["factors"], config["name"])


@keras.saving.register_keras_serializable(package="mmkeras")
class _ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, schedule, factor):
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step):
        return self.schedule(step) * self.factor

    def get_config(self):
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "factor": self.factor,
        }

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["factor"])


def _scaled(optimizer, factor):
    """A copy of an optimizer with a scaled learning rate."""
    config = optimizer.get_config()
    name = f"{config['name']}_{factor}"
    # Not the rate of the config: groups share the schedule object.
    rate = _times(optimizer._learning_rate, factor)
    return type(optimizer).from_config({**config, "name": name, "learning_rate": rate})


def _times(rate, factor):
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return _ScaledSchedule(rate, factor)
    return float(rate) * factor
