from __future__ import annotations

from mmkeras.cli.decoding_flags import add_decoding_flags, decoding_options
from mmkeras.cli.load_preset import load_preset, preset_task
from mmkeras.cli.start_tensorflow import start_tensorflow


def add_parser(commands, common) -> None:
    parser = commands.add_parser("export", parents=[common], help="write for serving")
    parser.add_argument("preset", help="folder of a preset")
    parser.add_argument("--adapters", help="file that `save_lora` wrote")
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="DIR",
        help="folder of a SavedModel, e.g. export/captioner/1; may be repeated",
    )
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument(
        "--serving-config",
        nargs="?",
        const=True,
        default=False,
        metavar="BASE_PATH",
        help="write models.config and batching.config beside the version; BASE_PATH is "
        "where TF Serving sees the model, /models/NAME if left out",
    )
    add_decoding_flags(parser)
    parser.set_defaults(run=run)


def run(args) -> int:
    for path in args.to:
        if path.endswith(".tflite"):
            raise ValueError(
                f"{path}: LiteRT files come in a later version; this one writes "
                "SavedModels only. Name a folder, e.g. export/captioner/1."
            )
    start_tensorflow(args.debug)
    options = decoding_options(args)
    if preset_task(args.preset) == "VisualQA" and options:
        raise ValueError(
            "Answers are chosen, not written, so that decoding has no options. Leave "
            f"out: {', '.join(sorted(options))}."
        )
    task = load_preset(args.preset, args.adapters)
    for path in args.to:
        task.export(
            path,
            overwrite=args.overwrite,
            serving_config=args.serving_config,
            **options,
        )
        print(f"Wrote {path}")
    return 0
