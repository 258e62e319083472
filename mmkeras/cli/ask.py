from __future__ import annotations

import argparse

from mmkeras.cli.answer_questions import add_question_flags, answer_questions
from mmkeras.cli.preset_spec import preset_spec
from mmkeras.cli.setting_flags import add_setting_flags, given_settings
from mmkeras.decoding.decoding_options import DecodingOptions


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser(
        "ask", parents=[common], help="answer questions about an image"
    )
    parser.add_argument("preset", help="folder of a preset, or a LiteRT file (.tflite)")
    parser.add_argument("image", metavar="IMAGE", help="image file")
    parser.add_argument(
        "questions", nargs="+", metavar="QUESTION", help="question, in quotes"
    )
    add_question_flags(parser)
    add_setting_flags(parser.add_argument_group("decoding"), DecodingOptions)
    parser.set_defaults(run=run, settings=[DecodingOptions])


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    spec = preset_spec(args.preset)
    if spec.command != "ask":
        raise ValueError(
            f"{args.preset} holds the task {spec.class_name}, which answers no "
            f"questions. Try: {spec.example(args.preset)}"
        )
    options = given_settings(args, DecodingOptions)
    return answer_questions(args, spec, args.image, args.questions, options)
