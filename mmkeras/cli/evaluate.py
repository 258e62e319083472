from __future__ import annotations

import json

from mmkeras.cli.start_tensorflow import start_tensorflow


def add_parser(commands, common) -> None:
    parser = commands.add_parser("evaluate", parents=[common], help="measure a preset")
    parser.add_argument("preset", help="folder of a preset")
    parser.add_argument(
        "--data",
        required=True,
        help="a folder; coco:FILE, karpathy:FILE, flickr:FILE or conceptual:FILE; or a "
        "name in TFDS",
    )
    parser.add_argument("--captions", help="table of captions of a folder")
    parser.add_argument(
        "--images", help="folder of the pictures of coco:FILE and its like"
    )
    parser.add_argument(
        "--split", default="test", help="of a dataset in TFDS, karpathy: or flickr:"
    )
    parser.add_argument("--limit", type=int, help="use at most so many samples")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.set_defaults(run=run)


def run(args) -> int:
    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit must be at least 1. Received: {args.limit}.")
    start_tensorflow(args.debug)
    from mmkeras.models import ImageCaptioner
    from mmkeras.training import load_samples

    captioner = ImageCaptioner.from_preset(args.preset)
    dataset = load_samples(args.data, args.captions, args.images, args.split)
    if args.limit is not None:
        dataset = dataset.take(args.limit)
    results = captioner.evaluate(dataset, batch_size=args.batch_size, verbose=0)
    print(json.dumps({name: float(value) for name, value in results.items()}, indent=2))
    return 0
