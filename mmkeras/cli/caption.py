from __future__ import annotations

import json
import sys

from mmkeras.cli.start_tensorflow import start_tensorflow


def add_parser(commands, common) -> None:
    parser = commands.add_parser("caption", parents=[common], help="caption pictures")
    parser.add_argument("preset", help="folder of a preset")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--num-beams", type=int, default=1, help="1 for greedy")
    parser.add_argument("--length-penalty", type=float, default=1.0)
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.set_defaults(run=run)


def run(args) -> int:
    start_tensorflow(args.debug)
    from mmkeras.models import ImageCaptioner

    captioner = ImageCaptioner.from_preset(args.preset)
    captioner.generator(args.num_beams, args.length_penalty)
    failed = 0
    for path in args.images:
        try:
            caption, score = captioner.generate(
                path,
                num_beams=args.num_beams,
                length_penalty=args.length_penalty,
                return_scores=True,
            )
        except (OSError, ValueError) as error:
            print(f"mmkeras: error: {error}", file=sys.stderr)
            failed += 1
            continue
        if args.json:
            row = {"image": path, "caption": caption, "score": score}
            print(json.dumps(row, ensure_ascii=False))
        else:
            print(f"{path}: {caption}" if len(args.images) > 1 else caption)
    return 1 if failed else 0
