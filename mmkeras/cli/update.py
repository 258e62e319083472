from __future__ import annotations


def add_parser(commands, common) -> None:
    parser = commands.add_parser(
        "update", parents=[common], help="update presets of an older format"
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET", help="folder")
    parser.set_defaults(run=run)


def run(args) -> int:
    from mmkeras.models.update_preset import update_preset

    for preset in args.presets:
        changed = update_preset(preset)
        print(f"{'Updated' if changed else 'Nothing to update in'} {preset}")
    return 0
