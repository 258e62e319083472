from __future__ import annotations

from mmkeras.cli.decoding_flags import add_decoding_flags, decoding_options
from mmkeras.cli.load_preset import load_preset, preset_task
from mmkeras.cli.start_tensorflow import start_tensorflow
from mmkeras.export.precisions import PRECISIONS


def add_parser(commands, common) -> None:
    parser = commands.add_parser(
        "export", parents=[common], help="write for servers and phones"
    )
    parser.add_argument("preset", help="folder of a preset")
    parser.add_argument("--adapters", help="file that `save_lora` wrote")
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="PATH",
        help="folder of a SavedModel, e.g. export/captioner/1, or LiteRT file, e.g. "
        "captioner.tflite; may be repeated",
    )
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument(
        "--n-best",
        type=int,
        metavar="N",
        help="captions of the signature n_best of a captioner's SavedModel; 3 if left "
        "out",
    )
    group = parser.add_argument_group("LiteRT files")
    group.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="of the weights"
    )
    group.add_argument(
        "--stepwise",
        action="store_true",
        help="of a captioner: the app runs the loop, and shows words as they come",
    )
    group.add_argument(
        "--samples",
        metavar="FOLDER",
        help="pictures to check the file on, in place of those that the preset keeps; "
        "with questions.csv for a model that answers questions",
    )
    group.add_argument(
        "--min-identical",
        type=float,
        metavar="SHARE",
        help="of the samples for which the file must say the very same",
    )
    group.add_argument(
        "--license-file", metavar="FILE", help="text to put into the file"
    )
    parser.add_argument(
        "--serving-config",
        nargs="?",
        const=True,
        default=False,
        metavar="BASE_PATH",
        help="write models.config and batching.config beside the version; BASE_PATH is "
        "where TF Serving sees the model, /models/NAME if left out",
    )
    add_decoding_flags(parser, without=("num_sequences",))
    parser.set_defaults(run=run)


def run(args) -> int:
    if not any(map(_is_litert, args.to)):
        _refuse_litert_flags(args)
    start_tensorflow(args.debug)
    options = decoding_options(args)
    # How many answers a model gives that chooses among known ones.
    chosen = set(options) - {"top_k"}
    if preset_task(args.preset) == "VisualQA" and chosen:
        raise ValueError(
            "Answers are chosen, not written, so that decoding has no options. Leave "
            f"out: {', '.join(sorted(chosen))}."
        )
    task = load_preset(args.preset, args.adapters)
    several = {} if args.n_best is None else {"n_best": args.n_best}
    if several and (task.asks or all(map(_is_litert, args.to))):
        raise ValueError(
            "--n-best is of the SavedModel of a captioner. Leave it out, or name a "
            "folder: --to export/captioner/1"
        )
    for path in args.to:
        if _is_litert(path):
            _write_litert(task, path, args, options)
        else:
            task.export(
                path,
                overwrite=args.overwrite,
                serving_config=args.serving_config,
                **several,
                **options,
            )
            print(f"Wrote {path}")
    return 0


def _is_litert(path: str) -> bool:
    return path.endswith(".tflite")


def _refuse_litert_flags(args) -> None:
    given = {
        "--precision": args.precision != "float32",
        "--stepwise": args.stepwise,
        "--samples": args.samples,
        "--min-identical": args.min_identical is not None,
        "--license-file": args.license_file,
    }
    names = [flag for flag, is_given in given.items() if is_given]
    if names:
        raise ValueError(
            f"{', '.join(names)}: of LiteRT files only. Name one, e.g. --to my.tflite."
        )


def _write_litert(task, path, args, options) -> None:
    import pathlib

    more = {"stepwise": True} if args.stepwise else {}
    if args.stepwise and task.asks:
        raise ValueError("--stepwise is of captioners. Leave it out.")
    if args.license_file:
        more["license"] = pathlib.Path(args.license_file).read_text("utf-8")
    report = task.export(
        path,
        format="litert",
        precision=args.precision,
        samples=_samples(task, args.samples),
        min_identical=args.min_identical,
        overwrite=args.overwrite,
        **more,
        **options,
    )
    print(
        f"Wrote {path}: {report['bytes'] / 1e6:.2f} MB, the same as the model for "
        f"{report['identical']:.1%} of {report['samples']} samples"
    )


def _samples(task, folder):
    if folder is None:
        return None
    if not task.asks:
        return _pictures(folder)
    from mmkeras.data import from_question_csv

    return from_question_csv(f"{folder}/questions.csv", folder)


def _pictures(folder) -> list[str]:
    from mmkeras.cli.list_images import list_images

    return list_images([folder])
