import argparse
import dataclasses

import pytest

from mmkeras.arguments import setting
from mmkeras.cli.setting_flags import add_setting_flags, given_settings, in_flags
from mmkeras.decoding import DecodingOptions
from mmkeras.models import task_specs
from mmkeras.models.task_spec import TaskSpec


@dataclasses.dataclass(frozen=True)
class Settings:
    data: str = setting(help="training data")
    size: int = setting(4, "side of the images", minimum=2)
    rate: float | None = setting(None, "rate (default: the task's)", above=0, below=1)
    count: int = setting(1, "a number", minimum=1)
    cached: bool = setting(False, "keep features")
    words: tuple[str, ...] = setting((), "100% of a word", flag="word")
    mode: str = setting("fast", "mode", choices=("fast", "slow"))


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser(prog="x")
    add_setting_flags(parser, Settings, without=("data",))
    return parser


def test_flags_have_the_types_of_their_fields(parser):
    line = "--size 3 --rate 0.5 --no-cached --word a --word b --mode slow".split()
    assert given_settings(parser.parse_args(line), Settings) == {
        "size": 3,
        "rate": 0.5,
        "cached": False,
        "words": ["a", "b"],
        "mode": "slow",
    }
    assert given_settings(parser.parse_args([]), Settings) == {}


def test_help_shows_ranges_and_defaults(parser):
    shown = " ".join(parser.format_help().split())
    for text in (
        "--size N side of the images (at least 2; default: 4)",
        "--rate X rate (above 0, below 1; default: the task's)",
        "--count N a number (default: 1)",
        "--word TEXT 100% of a word",
        "--mode {fast,slow} mode (default: fast)",
    ):
        assert text in shown
    assert "--data" not in shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "`size` must be 2. Received: size=1.",
            "--size must be 2. Received: --size 1.",
        ),
        ("`words` (--words) x", "`words` (--words) x".replace("`words`", "--word")),
        ("pass cached=True, not cached=False", "pass --cached, not --no-cached"),
        ("give `rate`. Received: rate=None", "give --rate. Received: no --rate"),
        ("file.size=1, `oversize`, oversize=2", "file.size=1, `oversize`, oversize=2"),
        ("Use limit=3.", "Use --limit 3."),
        ("or mode='fast' now", "or --mode fast now"),
    ],
)
def test_messages_about_arguments_speak_of_flags(message, shown):
    assert in_flags(message, [Settings], ["limit"]) == shown


def test_a_flag_in_parentheses_is_not_repeated():
    assert in_flags("needs `size` (--size).", [Settings]) == "needs --size."


def test_every_option_of_decoding_has_a_flag():
    parser = argparse.ArgumentParser()
    add_setting_flags(parser, DecodingOptions)
    given = {
        "num_beams": 4, "length_penalty": 0.5, "num_beam_groups": 2,
        "diversity_penalty": 1.0, "temperature": 0.9, "top_k": 5, "top_p": 0.8,
        "seed": 1, "min_length": 2, "max_length": 9, "no_repeat_ngram_size": 3,
        "repetition_penalty": 1.2, "num_sequences": 2,
    }  # fmt: skip
    line = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    words = ["--forbid=a b", "--forbid=c", "--require=d"]
    found = given_settings(parser.parse_args([*line, *words]), DecodingOptions)
    listed = {"forbidden_words": ["a b", "c"], "required_words": ["d"]}
    assert found == {**given, **listed}
    assert {field.name for field in dataclasses.fields(DecodingOptions)} == {*found}


@pytest.mark.parametrize("spec", task_specs().values(), ids=lambda spec: spec.name)
def test_every_setting_of_a_run_has_help(spec: TaskSpec):
    for field in dataclasses.fields(spec.load_run()):
        text = field.metadata["help"]
        assert text and not text.endswith("."), field.name
