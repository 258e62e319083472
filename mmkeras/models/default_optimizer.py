from __future__ import annotations

import keras

from mmkeras.optimizers import ConvMuon, LayerwiseOptimizer


class DefaultOptimizer:
    """The optimizer of tasks that are not given one, and rates by part.

    `optimizer="auto"` is `mmkeras.optimizers.ConvMuon` (Muon for matrices and
    convolutions, AdamW for the rest), whose rate warms up over the first steps of a
    `fit` and falls to 0 by a cosine over its epochs.

    A mix-in of `Task`.

    Reference:
        - [Liu et al., 2025](https://arxiv.org/abs/2502.16982) (Muon)
        - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101) (AdamW)
    """

    def _choose_optimizer(self, optimizer, learning_rate, default_rate, factors):
        """What Keras is to compile with; remembers what a schedule will need."""
        self._scheduled = optimizer == "auto"
        if not self._scheduled and learning_rate is not None:
            raise ValueError(
                "`learning_rate` is the peak of the schedule of optimizer='auto'. Give "
                "your optimizer its own rate, e.g. keras.optimizers.Adam(1e-3). "
                f"Received: optimizer={optimizer!r}, learning_rate={learning_rate}."
            )
        self._learning_rate = default_rate if learning_rate is None else learning_rate
        self._learning_rate_factors = self._by_path(factors or {})
        if self._scheduled:
            return self._optimizer(self._learning_rate)
        if not self._learning_rate_factors:
            return optimizer
        return LayerwiseOptimizer(
            keras.optimizers.get(optimizer), self._learning_rate_factors
        )

    def _schedule(self, total_steps: int) -> None:
        warmup = min(500, max(1, total_steps // 10))
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=max(1, total_steps - warmup),
            warmup_target=self._learning_rate,
            warmup_steps=warmup,
        )
        with self.distribute_strategy.scope():
            optimizer = self._optimizer(schedule)
            # `compile` wraps the optimizer so where the policy asks for it.
            if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            self.optimizer = optimizer
        self.train_function = None

    def _optimizer(self, learning_rate):
        optimizer = ConvMuon(
            learning_rate, weight_decay=0.01, adam_weight_decay=0.01, clipnorm=1.0
        )
        if not self._learning_rate_factors:
            return optimizer
        return LayerwiseOptimizer(optimizer, self._learning_rate_factors)

    def _by_path(self, factors) -> dict[str, float]:
        """Factors by the path of a variable, from those by parts of the backbone."""
        found = {}
        # The narrower of two names stands later in this order, and so counts.
        for name in sorted(factors):
            paths = [
                v.path
                for part_name, part in self._parts().items()
                for v in part.variables
                if name == part_name or v.path.startswith(f"{name}/")
            ]
            if not paths:
                raise ValueError(
                    f"`learning_rate_factors` names {name!r}, which there is not. Name "
                    f"a part ({', '.join(self._parts())}) or the beginning of a "
                    "variable's path, e.g. 'text_decoder/block_0'."
                )
            found.update(dict.fromkeys(paths, float(factors[name])))
        return found
