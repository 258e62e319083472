from __future__ import annotations

import json
import sys

from mmkeras.cli.decoding_flags import add_decoding_flags, decoding_options
from mmkeras.cli.start_tensorflow import start_tensorflow


def add_parser(commands, common) -> None:
    parser = commands.add_parser("caption", parents=[common], help="caption pictures")
    parser.add_argument("preset", help="folder of a preset")
    parser.add_argument("--adapters", help="file that `save_lora` wrote")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument(
        "--num-captions",
        type=int,
        default=1,
        help="captions for each picture: at most --num-beams, or as many as to draw",
    )
    parser.add_argument(
        "--on-error",
        choices=["raise", "skip"],
        default="raise",
        help="skip: pictures that cannot be read are counted, and are no failure",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    add_decoding_flags(parser)
    parser.set_defaults(run=run)


def run(args) -> int:
    start_tensorflow(args.debug)
    from mmkeras.models import ImageCaptioner

    captioner = ImageCaptioner.from_preset(args.preset)
    if args.adapters:
        captioner.load_lora(args.adapters)
    options = {**decoding_options(args), "num_captions": args.num_captions}
    captioner.generator(**options)
    failed = 0
    for path in args.images:
        try:
            found = captioner.generate(path, return_scores=True, **options)
        except (OSError, ValueError) as error:
            print(f"mmkeras: error: {error}", file=sys.stderr)
            failed += 1
            continue
        for caption, score in [found] if args.num_captions == 1 else found:
            if args.json:
                row = {"image": path, "caption": caption, "score": score}
                print(json.dumps(row, ensure_ascii=False))
            else:
                print(f"{path}: {caption}" if len(args.images) > 1 else caption)
    if not failed:
        return 0
    if args.on_error == "raise":
        return 1
    print(f"mmkeras: skipped {failed} of {len(args.images)} images", file=sys.stderr)
    return 0
