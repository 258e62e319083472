from __future__ import annotations

import argparse

from mmkeras.cli.answer_questions import add_question_flags, answer_questions
from mmkeras.cli.predict_images import add_image_flags, predict_images
from mmkeras.cli.preset_spec import preset_spec
from mmkeras.cli.task_options import TaskHelp, parse_task_options


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser(
        "predict",
        parents=[common],
        add_help=False,
        help="predict with a preset of any task",
        description="Predicts with a preset of any task. The inputs are image files "
        "and folders, or for a task that answers questions an image and questions "
        "about it. `mmkeras predict PRESET --help` lists the options of its task.",
    )
    parser.add_argument("preset", help="folder of a preset, or a LiteRT file (.tflite)")
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="images and folders; or an image and questions",
    )
    parser.add_argument(
        "-h", "--help", action=TaskHelp, options="load_options", extra=_add_flags
    )
    parser.set_defaults(run=run, parse_rest=_parse_rest)


def _parse_rest(args, rest) -> None:
    spec = preset_spec(args.preset)
    args.options = parse_task_options(
        args, rest, spec, spec.load_options(), lambda parser: _add_flags(parser, spec)
    )


def _add_flags(parser: argparse.ArgumentParser, spec) -> None:
    (add_question_flags if "question" in spec.inputs else add_image_flags)(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    spec = preset_spec(args.preset)
    if "question" not in spec.inputs:
        return predict_images(args, spec, args.inputs, args.options)
    image, *questions = args.inputs
    if not questions:
        raise ValueError(
            f"{spec.class_name} needs an image and a question: "
            f"{spec.example(args.preset)}"
        )
    return answer_questions(args, spec, image, questions, args.options)
