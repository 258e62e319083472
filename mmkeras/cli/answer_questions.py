"""Answers to questions about an image, for `mmkeras ask` and `mmkeras predict`."""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Callable
from typing import Any

from mmkeras.cli.preset_spec import is_litert
from mmkeras.cli.start_tensorflow import start_tensorflow
from mmkeras.cli.task_options import verb_options
from mmkeras.models.task_spec import TaskSpec


def add_question_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that all answers to questions share."""
    parser.add_argument(
        "--adapters",
        metavar="FILE",
        help="adapters of a run with --lora-rank (adapters.lora.h5)",
    )
    parser.add_argument(
        "--explain",
        metavar="FILE",
        help="plot the attention and Grad-CAM of the answer to a single question, e.g. "
        "answer.png",
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines")


def answer_questions(
    args: argparse.Namespace,
    spec: TaskSpec,
    image: str,
    questions: list[str],
    options: dict[str, Any],
) -> int:
    """Answer questions about an image.

    Args:
        args: the parsed command line, with `preset` and the flags of
            `add_question_flags`.
        spec: the task of the preset.
        image: path of the image.
        questions: list of strings.
        options: the options of the task's verb.

    Returns:
        The exit code.
    """
    _check(args, questions)
    if is_litert(args.preset):
        answer = _by_litert(args, spec, options)
        for question in questions:
            _show(question, answer(image, question), args, len(questions) > 1)
        return 0
    options = verb_options(spec, args.preset, options)
    start_tensorflow(args.debug)
    task = spec.load_task().from_preset(args.preset)
    if args.adapters:
        task.load_lora(args.adapters)
    predicted = getattr(task, spec.verb)(image, questions, **options)
    for question, answers in zip(questions, predicted, strict=True):
        _show(question, answers, args, len(questions) > 1)
    if args.explain:
        task.explain(image, questions[0]).plot(args.explain)
        print(f"Wrote {args.explain}")
    return 0


def _check(args, questions) -> None:
    if not all(question.strip() for question in questions):
        raise ValueError("A QUESTION is blank. Write one in quotes.")
    if args.explain and len(questions) > 1:
        raise ValueError(
            f"--explain plots a single question. Received: {len(questions)} questions."
        )
    if args.explain and not pathlib.Path(args.explain).parent.is_dir():
        raise ValueError(
            f"The folder {pathlib.Path(args.explain).parent} of --explain "
            f"{args.explain} does not exist. Create it first."
        )


def _by_litert(args, spec, options) -> Callable[[str, str], Any]:
    number = options.pop("num_sequences", None)
    given = [f"`{name}`" for name in options]
    given += [
        flag
        for flag, value in (("--explain", args.explain), ("--adapters", args.adapters))
        if value
    ]
    if given:
        raise ValueError(
            f"{args.preset} is a LiteRT file, which was exported with its options. "
            f"Remove {', '.join(given)}, or give the preset."
        )
    runner = spec.load_runner()(args.preset)
    more = {} if number is None else {"num_sequences": number}
    run = getattr(runner, spec.output)
    return lambda image, question: run(image, question, **more)


def _show(question, answers, args, several) -> None:
    ranked = isinstance(answers, list)
    answers = answers if ranked else [answers]
    if args.json:
        for answer in answers:
            row = {"question": question, "answer": answer, "score": answer.score}
            print(json.dumps(row, ensure_ascii=False))
        return
    # Scores are of interest to compare several answers.
    text = ", ".join(
        f"{one} ({_score(one)})" if ranked else str(one) for one in answers
    )
    print(f"{question} {text}" if several else text)


def _score(answer) -> str:
    # Generated answers have log-probabilities, chosen ones probabilities.
    return f"{answer.score:.2f}" if answer.score < 0 else f"{answer.score:.1%}"
