import contextlib
from collections.abc import Iterator

import keras
import pytest


@contextlib.contextmanager
def eager_steps() -> Iterator[None]:
    """A scope in which models are trained without tracing their steps.

    Tracing a step takes longer than a few steps. Datasets are traced as ever.
    """
    compile = keras.Model.compile

    def compile_eager(self, *args, **kwargs):
        return compile(self, *args, **{**kwargs, "run_eagerly": True})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "compile", compile_eager)
        yield
