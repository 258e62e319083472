from __future__ import annotations

import argparse

from mmkeras.cli.predict_images import add_image_flags, predict_images
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
    parser = commands.add_parser("caption", parents=[common], help="caption images")
    parser.add_argument("preset", help="folder of a preset, or a LiteRT file (.tflite)")
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="image files, or folders of them"
    )
    add_image_flags(parser)
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
    if spec.command != "caption":
        raise ValueError(
            f"{args.preset} holds the task {spec.class_name}, which writes no "
            f"captions. Try: {spec.example(args.preset)}"
        )
    options = given_settings(args, DecodingOptions)
    return predict_images(args, spec, args.images, options)
