"""Time `--help` of the command and of its subcommands.

    python benchmarks/help.py

Prints the shortest of a few runs of each, which other programs on the machine affect
least. The exit code is 1 if one takes half a second or more.
"""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRESET = str(ROOT / "saved_models" / "emoji_scenes_captioner")
COMMANDS = (
    [],
    ["train"],
    ["train", "captioner"],
    ["predict", PRESET],
    ["export", PRESET],
    ["evaluate"],
    ["serve"],
)
LIMIT = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    slow = False
    for command in COMMANDS:
        best = min(_seconds(command) for _ in range(args.runs))
        slow = slow or best >= LIMIT
        print(f"{best:.2f} s  mmkeras {' '.join([*command, '--help'])}", flush=True)
    if slow:
        raise SystemExit(f"One takes {LIMIT} s or more.")


def _seconds(command) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mmkeras", *command, "--help"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
