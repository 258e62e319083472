from __future__ import annotations

from collections.abc import Mapping

import keras

from mmkeras.optimizers import ConvMuon, LayerwiseOptimizer, WarmupCosine


class DefaultOptimizer:
    """The optimizer of tasks that are compiled with `optimizer="auto"`.

    It is `ConvMuon` (Muon for matrices and convolutions, AdamW for all else) with a
    `WarmupCosine` schedule, whose number of steps is set by `fit`. The optimizer stays
    the same from one `fit` to the next, as long as the same variables are trained.

    Args:
        learning_rate: float, the peak of the schedule.
        factors: dict from the name of a part, or the beginning of a variable's path,
            to a factor of the learning rate; the longer one of two matches counts.

    Reference:
        - [Liu et al., 2025](https://arxiv.org/abs/2502.16982) (Muon)
        - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101) (AdamW)
    """

    def __init__(self, learning_rate: float, factors: Mapping[str, float] | None):
        self.learning_rate = learning_rate
        self.factors = dict(factors or {})
        self.schedule: WarmupCosine | None = None
        self._trained = None

    def create(
        self, parts: Mapping[str, keras.layers.Layer]
    ) -> keras.optimizers.Optimizer:
        """A new optimizer, in the scope of the model's distribution strategy.

        Args:
            parts: dict of the layers of a model by name.

        Returns:
            A Keras optimizer.
        """
        self._trained = None
        self.schedule = WarmupCosine(self.learning_rate)
        optimizer = ConvMuon(
            self.schedule, weight_decay=0.01, adam_weight_decay=0.01, clipnorm=1.0
        )
        return _scaled_by_part(optimizer, self.factors, parts)

    def begin(
        self,
        model: keras.Model,
        parts: Mapping[str, keras.layers.Layer],
        steps: int | None,
        epochs: int,
    ) -> None:
        """Builds the optimizer of a model, and starts the schedule of a `fit`.

        Where other variables are trained than before, as after `enable_lora` or
        `unfreeze`, the model gets a new optimizer.

        Args:
            model: a model that is compiled with this optimizer.
            parts: dict of its layers by name.
            steps: int, the number of steps of an epoch, or `None` if it is unknown.
            epochs: int, the number of epochs of the `fit`.

        Raises:
            ValueError: if the number of steps is unknown.
        """
        if steps is None:
            raise ValueError(
                "The schedule of the learning rate needs the number of steps, which is "
                "unknown for a filtered or generated dataset. Set `steps_per_epoch`, "
                "or apply `tf.data.experimental.assert_cardinality(number)` to it."
            )
        variables = list(model.trainable_variables)
        if self._trained is not None and not _same(self._trained, variables):
            wrapped = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
            optimizer = self.create(parts)
            if wrapped:
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            model.optimizer = optimizer
            model.train_function = None
        self._trained = variables
        model.optimizer.build(variables)
        self.schedule.begin(steps * epochs, model.optimizer.iterations.numpy())


def choose_optimizer(
    optimizer: str | keras.optimizers.Optimizer,
    learning_rate: float | None,
    default_rate: float,
    factors: Mapping[str, float] | None,
    parts: Mapping[str, keras.layers.Layer],
) -> tuple[keras.optimizers.Optimizer | str, DefaultOptimizer | None]:
    """The optimizer to compile a model with.

    Args:
        optimizer: a Keras optimizer or its name, or `"auto"` for `DefaultOptimizer`.
        learning_rate: float, the peak of the default schedule, or `None` for
            `default_rate`.
        default_rate: float.
        factors: as in `DefaultOptimizer`, or `None`.
        parts: dict of the layers of the model by name.

    Returns:
        The optimizer, and its `DefaultOptimizer` or `None`.

    Raises:
        ValueError: if `learning_rate` is given with another optimizer, or a factor is
            of an unknown part.
    """
    if optimizer == "auto":
        rate = default_rate if learning_rate is None else learning_rate
        default = DefaultOptimizer(rate, factors)
        return default.create(parts), default
    if learning_rate is not None:
        raise ValueError(
            "`learning_rate` is the peak of the schedule of optimizer='auto'. Set the "
            "rate of your optimizer itself, e.g. keras.optimizers.Adam(1e-3). "
            f"Received: optimizer={optimizer!r}, learning_rate={learning_rate}."
        )
    if factors:
        optimizer = _scaled_by_part(keras.optimizers.get(optimizer), factors, parts)
    return optimizer, None


def _scaled_by_part(
    optimizer: keras.optimizers.Optimizer,
    factors: Mapping[str, float],
    parts: Mapping[str, keras.layers.Layer],
) -> keras.optimizers.Optimizer:
    """An optimizer that trains parts of a model at different learning rates.

    Args:
        optimizer: a Keras optimizer that has not been built yet.
        factors: as in `DefaultOptimizer`.
        parts: dict of the layers of the model by name.

    Returns:
        A `LayerwiseOptimizer`, or the optimizer itself without factors.

    Raises:
        ValueError: if a factor is of no part and no variable.
    """
    by_path = {}
    # The longer of two names follows in this order, and overwrites the shorter one.
    for name in sorted(factors):
        paths = [
            variable.path
            for part_name, part in parts.items()
            for variable in part.variables
            if name == part_name or variable.path.startswith(f"{name}/")
        ]
        if not paths:
            raise ValueError(
                f"`learning_rate_factors` has the unknown name {name!r}. Name a part "
                f"({', '.join(parts)}) or the beginning of a variable's path, e.g. "
                "'text_decoder/block_0'."
            )
        by_path.update(dict.fromkeys(paths, float(factors[name])))
    return LayerwiseOptimizer(optimizer, by_path) if by_path else optimizer


def _same(some, others) -> bool:
    return len(some) == len(others) and all(
        one is other for one, other in zip(some, others, strict=True)
    )
