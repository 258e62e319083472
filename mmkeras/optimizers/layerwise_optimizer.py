from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="mmkeras")
class LayerwiseOptimizer(keras.optimizers.Optimizer):
    """Trains some variables at another learning rate than the rest.

    A pretrained encoder wants smaller steps than a decoder that begins anew. The
    variables are sorted by their factors, and each group is given an optimizer like
    the one that is wrapped, its learning rate multiplied by the factor; weight decay
    and clipping go with the groups.

    Args:
        optimizer: a Keras optimizer that has not been used yet.
        factors: dict of float above 0 by the path of a variable (`variable.path`); 1
            for those that it does not name.
        name: string.

    Raises:
        ValueError: if a factor is not above 0, the optimizer has been used, or
            `global_clipnorm` is set, which cannot see all groups at once.

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
                "A factor must be above 0; freeze what is not to be trained "
                f"(`trainable = False`). Received: {wrong}."
            )
        if optimizer.built:
            raise ValueError("Give an optimizer that has not been used yet.")
        if optimizer.global_clipnorm is not None:
            raise ValueError(
                "`global_clipnorm` is a norm over all variables, which are sorted in "
                "groups here. Give the optimizer `clipnorm` instead. Received: "
                f"global_clipnorm={optimizer.global_clipnorm}."
            )
        # The rate is read from the wrapped optimizer; this one is never used.
        super().__init__(learning_rate=0.0, name=name)
        self.optimizer = optimizer
        self.factors = dict(factors)
        # The wrapped one is the group of factor 1, if only to hold the rate and to
        # count the steps.
        self.groups = {1.0: optimizer}
        for factor in sorted(set(map(float, self.factors.values())) - {1.0}):
            self.groups[factor] = _scaled(optimizer, factor)

    @property
    def variables(self):
        return [v for group in self.groups.values() for v in group.variables]

    @property
    def iterations(self):
        return self.optimizer.iterations

    @property
    def learning_rate(self):
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.optimizer.learning_rate = learning_rate
        for factor, group in self.groups.items():
            if group is not self.optimizer:
                group.learning_rate = _times(learning_rate, factor)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        for factor, group in self.groups.items():
            group.build([v for v in variables if self._factor(v) == factor])

    def apply(self, grads, trainable_variables=None):
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
                # Whatever asks for the number of steps asks this group.
                group.iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        for factor, group in self.groups.items():
            group.finalize_variable_values(
                [v for v in var_list if self._factor(v) == factor]
            )

    def _factor(self, variable) -> float:
        return float(self.factors.get(variable.path, 1.0))

    def get_config(self):
        return {
            "name": self.name,
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "factors": self.factors,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
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
    """A new optimizer like another, but for its learning rate."""
    config = optimizer.get_config()
    name = f"{config['name']}_{factor}"
    # The rate itself: a config has schedules only as they are written down.
    rate = _times(optimizer._learning_rate, factor)
    return type(optimizer).from_config({**config, "name": name, "learning_rate": rate})


def _times(rate, factor):
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return _ScaledSchedule(rate, factor)
    return float(rate) * factor
