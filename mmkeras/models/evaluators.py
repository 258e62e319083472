"""Evaluators: what is measured on a task's predictions, registered by name."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mmkeras.models.task_spec import TaskSpec

if TYPE_CHECKING:
    from mmkeras.models import Predictions


@dataclasses.dataclass(frozen=True)
class Evaluator:
    """Describes an evaluator without importing it.

    Args:
        name: string.
        function: string, `"package.module:function"`, from a
            `mmkeras.models.predictions.Predictions` to a dict of results by name.
        output: string, the `TaskSpec.output` that it evaluates; `None` for all.
        keys: tuple of sample keys that it needs; `"a|b"` for either of two.
        tasks: tuple of names of tasks that it is for; empty for all.
        thorough: bool, whether it takes several passes over the data, so that
            `evaluate` runs it only if asked to.
    """

    name: str
    function: str
    output: str | None = None
    keys: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    thorough: bool = False

    def fits(self, spec: TaskSpec, keys: Iterable[str]) -> bool:
        """Whether it can evaluate a task on samples with some keys.

        Args:
            spec: the task.
            keys: the keys of the samples.
        """
        given = set(keys)
        return (
            self.output in (None, spec.output)
            and (not self.tasks or spec.name in self.tasks)
            and set(spec.inputs) <= given
            and all(given & set(key.split("|")) for key in self.keys)
        )

    def __call__(self, predictions: Predictions) -> dict[str, Any]:
        module, _, name = self.function.partition(":")
        return getattr(importlib.import_module(module), name)(predictions)


_registered = {
    evaluator.name: evaluator
    for evaluator in (
        Evaluator(
            "caption_scores",
            "mmkeras.models.image_captioner.caption_scores:caption_scores",
            output="caption",
            keys=("captions|caption",),
        ),
        Evaluator(
            "true_captions",
            "mmkeras.datasets.true_captions:true_captions",
            output="caption",
            keys=("scene",),
        ),
        Evaluator(
            "scene_hallucination",
            "mmkeras.datasets.scene_hallucination:scene_hallucination",
            output="caption",
            keys=("scene",),
            thorough=True,
        ),
        Evaluator(
            "exact_answers",
            "mmkeras.models.generative_visual_qa.exact_answers:exact_answers",
            output="answer",
            keys=("answer",),
            tasks=("generative-vqa",),
        ),
        Evaluator(
            "visual_qa_report",
            "mmkeras.models.questions.visual_qa_report:evaluate_visual_qa",
            output="answer",
            keys=("answer|answers",),
            thorough=True,
        ),
    )
}


def register_evaluator(evaluator: Evaluator) -> None:
    """Registers an evaluator, which `Task.evaluate` then runs where it fits.

    Args:
        evaluator: an `Evaluator`.

    Raises:
        ValueError: if another evaluator is registered by that name.
    """
    known = _registered.setdefault(evaluator.name, evaluator)
    if known != evaluator:
        raise ValueError(
            f"An evaluator named {evaluator.name!r} is registered already "
            f"({known.function}). Choose another name for {evaluator.function}."
        )


def choose_evaluators(
    names: str | Iterable[str] | None, spec: TaskSpec, samples: Mapping[str, Any]
) -> list[Evaluator]:
    """The evaluators to run on a task and a dataset.

    Args:
        names: `"auto"` for those that fit and take a single pass, `"all"` for all that
            fit, an iterable of names, or `None` for none.
        spec: the task.
        samples: the `element_spec` of the dataset.

    Raises:
        ValueError: if a name is unknown, or a named evaluator does not fit.
    """
    if names is None:
        return []
    if isinstance(names, str) and names in ("auto", "all"):
        fitting = [one for one in _registered.values() if one.fits(spec, samples)]
        return [one for one in fitting if names == "all" or not one.thorough]
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in _registered]
    if unknown:
        raise ValueError(
            f"`evaluators` has the unknown name {unknown[0]!r}. Known are 'auto', "
            f"'all', {', '.join(map(repr, _registered))}."
        )
    chosen = [_registered[name] for name in names]
    for one in chosen:
        if not one.fits(spec, samples):
            raise ValueError(
                f"The evaluator {one.name!r} needs the sample keys "
                f"{', '.join((*spec.inputs, *one.keys))} and a task that it is for. "
                f"Received: a {spec.class_name} and samples with "
                f"{', '.join(sorted(samples))}."
            )
    return chosen
