from __future__ import annotations

import argparse
import dataclasses
import pathlib

from mmkeras.cli.list_images import list_images
from mmkeras.cli.preset_spec import is_litert, preset_spec
from mmkeras.cli.start_tensorflow import start_tensorflow
from mmkeras.cli.task_options import TaskHelp, parse_task_options
from mmkeras.export.precisions import PRECISIONS


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser(
        "export",
        parents=[common],
        add_help=False,
        help="export a preset for servers and phones",
        description="Exports a preset. `mmkeras export PRESET --help` lists the "
        "options of its task.",
    )
    parser.add_argument("preset", help="folder of a preset")
    parser.add_argument("-h", "--help", action=TaskHelp, options="load_export_options")
    parser.add_argument(
        "--adapters",
        metavar="FILE",
        help="adapters of a run with --lora-rank (adapters.lora.h5)",
    )
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="PATH",
        help="folder of a SavedModel, e.g. export/captioner/1, or LiteRT file, e.g. "
        "captioner.tflite; may be repeated",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing files"
    )
    parser.add_argument(
        "--serving-config",
        nargs="?",
        const=True,
        default=False,
        metavar="BASE_PATH",
        help="write models.config and batching.config beside the version; BASE_PATH is "
        "where TF Serving sees the model (default: /models/NAME)",
    )
    group = parser.add_argument_group("LiteRT files")
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="precision of the weights (default: float32)",
    )
    group.add_argument(
        "--samples",
        metavar="FOLDER",
        help="images to check the file on instead of the preset's samples; with "
        "questions.csv for a task that answers questions",
    )
    group.add_argument(
        "--min-identical",
        type=float,
        metavar="SHARE",
        help="minimum share of samples for which the file must give the same output, "
        "from 0 to 1 (default: 1 in float32 and float16, 0.75 in int8)",
    )
    group.add_argument(
        "--license-file", metavar="FILE", help="text to store in the file"
    )
    parser.set_defaults(run=run, parse_rest=_parse_rest)


def _parse_rest(args, rest) -> None:
    spec = preset_spec(args.preset)
    args.options = parse_task_options(args, rest, spec, spec.load_export_options())


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    spec = preset_spec(args.preset)
    if not any(map(is_litert, args.to)):
        _refuse_litert_flags(args, spec)
    start_tensorflow(args.debug)
    task = spec.load_task().from_preset(args.preset)
    if args.adapters:
        task.load_lora(args.adapters)
    litert = _litert_options(spec)
    options = {name: v for name, v in args.options.items() if name not in litert}
    for path in args.to:
        if is_litert(path):
            _write_litert(task, path, args)
        else:
            task.export(
                path,
                overwrite=args.overwrite,
                serving_config=args.serving_config,
                **options,
            )
            print(f"Wrote {path}")
    return 0


def _refuse_litert_flags(args, spec) -> None:
    given = {
        "--precision": args.precision != "float32",
        "--samples": args.samples,
        "--min-identical": args.min_identical is not None,
        "--license-file": args.license_file,
    }
    names = [flag for flag, is_given in given.items() if is_given]
    names += [f"`{name}`" for name in _litert_options(spec) if args.options.get(name)]
    if names:
        raise ValueError(
            f"{', '.join(names)} is for LiteRT files. Name one, e.g. --to my.tflite."
        )


def _litert_options(spec) -> list[str]:
    """The options of a task that only LiteRT files have."""
    options = spec.load_export_options()
    fields = () if options is None else dataclasses.fields(options)
    return [field.name for field in fields if field.metadata["role"] == "litert"]


def _write_litert(task, path, args) -> None:
    license_file = args.license_file
    report = task.export(
        path,
        format="litert",
        precision=args.precision,
        samples=_samples(task.spec, args.samples),
        min_identical=args.min_identical,
        overwrite=args.overwrite,
        license=pathlib.Path(license_file).read_text("utf-8") if license_file else "",
        **args.options,
    )
    print(
        f"Wrote {path}: {report['bytes'] / 1e6:.2f} MB, the same output as the model "
        f"for {report['identical']:.1%} of {report['samples']} samples"
    )


def _samples(spec, folder):
    if folder is None:
        return None
    if spec.inputs == ("image",):
        return list_images([folder])
    return spec.load_run().load_data(folder)
