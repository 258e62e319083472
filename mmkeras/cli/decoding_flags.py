"""The flags of `mmkeras.decoding.DecodingOptions`, without importing TensorFlow."""

from __future__ import annotations

import argparse

_FLAGS = {
    "num-beams": (int, "hypotheses of beam search; 1 (the default) for greedy search"),
    "length-penalty": (float, "of beam search; larger favours longer captions"),
    "num-beam-groups": (int, "groups of beams that are kept diverse"),
    "diversity-penalty": (float, "what a word costs that an earlier group has too"),
    "temperature": (float, "draw at random; below 1 for less surprise"),
    "top-k": (int, "draw at random from so many tokens"),
    "top-p": (float, "draw at random from tokens of so much probability"),
    "seed": (int, "of the draws"),
    "min-length": (int, "the fewest tokens"),
    "max-length": (int, "the most tokens"),
    "no-repeat-ngram-size": (int, "write no so many tokens in a row twice"),
    "repetition-penalty": (float, "above 1 to avoid tokens that are written already"),
}
_WORDS = {
    "forbid": ("forbidden_words", "a word or phrase not to write; may be repeated"),
    "require": (
        "required_words",
        "a word or phrase that each caption has, of beam search; may be repeated",
    ),
}


def add_decoding_flags(
    parser: argparse.ArgumentParser, without: tuple[str, ...] = ()
) -> None:
    """Adds the flags to the parser of a command, in a group of their own.

    Args:
        parser: the parser of the command.
        without: flags, e.g. `"top-k"`, whose names the command has for something else.
    """
    group = parser.add_argument_group("decoding")
    for flag, (kind, text) in _FLAGS.items():
        if flag in without:
            continue
        group.add_argument(f"--{flag}", type=kind, help=text, default=argparse.SUPPRESS)
    for flag, (option, text) in _WORDS.items():
        group.add_argument(
            f"--{flag}",
            dest=option,
            action="append",
            metavar="WORD",
            help=text,
            default=argparse.SUPPRESS,
        )


def decoding_options(args: argparse.Namespace, without: tuple[str, ...] = ()) -> dict:
    """The options that were given, as `ImageCaptioner.generate` takes them."""
    names = [flag.replace("-", "_") for flag in _FLAGS if flag not in without]
    names += [option for option, _ in _WORDS.values()]
    return {name: getattr(args, name) for name in names if hasattr(args, name)}


def given_decoding_flags(
    args: argparse.Namespace, without: tuple[str, ...] = ()
) -> list[str]:
    """The flags that were given, e.g. `["--num-beams"]`."""
    flags = {option: flag for flag, (option, _) in _WORDS.items()}
    names = decoding_options(args, without)
    return [f"--{flags.get(name, name).replace('_', '-')}" for name in names]
