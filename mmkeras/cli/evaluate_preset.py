"""Evaluation of a preset, for `mmkeras evaluate`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from mmkeras.cli.evaluate_results import training_captions
from mmkeras.cli.start_tensorflow import start_tensorflow
from mmkeras.models.task_spec import TaskSpec


def evaluate_preset(args: argparse.Namespace, spec: TaskSpec) -> int:
    """Evaluate a preset and print the results as JSON.

    Args:
        args: the parsed command line of `mmkeras evaluate`.
        spec: the task of the preset.

    Returns:
        The exit code.

    Raises:
        ValueError: if a flag does not go with the task or the data.
    """
    scored = _check_flags(args, spec)
    start_tensorflow(args.debug)
    task = spec.load_task().from_preset(args.preset)
    dataset = spec.load_run().load_data(
        args.data, split=args.split, **args.data_arguments
    )
    if args.limit is not None:
        dataset = dataset.take(args.limit)
    has_targets = bool(set(spec.targets) & dataset.element_spec.keys())
    if not has_targets and not args.results:
        raise ValueError(
            f"{args.data} has no {' or '.join(spec.targets)} to evaluate against. Give "
            "other --data, or for vqa:FILE also --annotations."
        )
    dataset, results = _readable(task, dataset, args)
    if args.results:
        _write_answers(task, dataset, args)
    if has_targets:
        results = {**_evaluated(task, dataset, args, scored), **results}
    if results:
        print(json.dumps(results, indent=2, default=float))
    return 0


def _check_flags(args, spec) -> bool:
    """Refuse flags of other tasks; return whether flags say how captions are scored."""
    captions = {
        "--metrics": args.metrics,
        "--report": args.report,
        "--tokenizer": args.tokenizer,
    }
    given = [flag for flag, value in captions.items() if value]
    if given and spec.output != "caption":
        raise ValueError(
            f"{', '.join(given)} is for captions, which {spec.class_name} does not "
            f"write. Remove {', '.join(given)}."
        )
    if args.results and spec.output != "answer":
        raise ValueError(
            f"--results is for answers, which {spec.class_name} does not write. "
            "Remove it."
        )
    known = [field.name for field in spec.load_run().fields_of("data")]
    wrong = [f"--{name}" for name in args.data_arguments if name not in known]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)} is not for the data of {spec.class_name}. Remove "
            f"{', '.join(wrong)}."
        )
    return bool(given)


def _evaluated(task, dataset, args, scored) -> dict[str, Any]:
    from mmkeras.models import Predictions, choose_evaluators

    names = args.evaluators
    names = names[0] if names in (["all"], ["auto"]) else names
    evaluators = choose_evaluators(names, task.spec, dataset.element_spec)
    results = task.evaluate(
        dataset, batch_size=args.batch_size, verbose=0, evaluators=None
    )
    predictions = Predictions(
        task, dataset, args.batch_size, keep_images=bool(args.report)
    )
    if scored:
        evaluators = [one for one in evaluators if one.name != "caption_scores"]
    for evaluator in evaluators:
        results |= evaluator(predictions)
    if scored:
        results |= _caption_scores(predictions, args, results)
    return results


def _caption_scores(predictions, args, results) -> dict[str, float]:
    """Score captions as the flags say, and write the report."""
    from mmkeras.metrics import CaptionReferences, evaluate_captions
    from mmkeras.models import CaptionedSamples
    from mmkeras.models.image_captioner.caption_scores import METRICS, tokenizer_for

    samples = CaptionedSamples.of(predictions)
    texts = [text for row in samples.references.values() for text in row]
    references = CaptionReferences(
        samples.references, args.tokenizer or tokenizer_for(texts)
    )
    metrics = args.metrics or list(METRICS)
    if not args.report:
        return evaluate_captions(references, samples.captions, metrics)
    from mmkeras.training import caption_report

    return caption_report(
        args.report,
        references,
        samples.captions,
        metrics,
        samples.images.get,
        training_captions(args),
        {name: value for name, value in results.items() if name.startswith("CHAIR")},
    )


def _readable(task, dataset, args) -> tuple:
    """The samples to evaluate, and with `--on-error skip` the number of others."""
    if args.on_error != "skip":
        return dataset, {}
    from mmkeras.data import readable_samples

    dataset, unreadable = readable_samples(dataset, task.preprocessor, args.batch_size)
    for line in unreadable:
        print(f"mmkeras: skipped {line}", file=sys.stderr)
    return dataset, {"skipped_images": len(unreadable)}


def _write_answers(task, dataset, args) -> None:
    from mmkeras.data.formats import write_vqa_results
    from mmkeras.models import written_answers

    write_vqa_results(written_answers(task, dataset, args.batch_size), args.results)
    print(f"Wrote {args.results}")
