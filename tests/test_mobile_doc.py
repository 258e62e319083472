"""Runs the commands and the Python code of docs/mobile.md."""

import pathlib
import re
import shlex

from mmkeras.cli.main import main

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "mobile.md").read_text("utf-8")


def test_commands_and_python(tmp_path, monkeypatch, capsys):
    for name in ("saved_models", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    commands = [line for line in TEXT.splitlines() if line.startswith("mmkeras ")]
    assert len(commands) == 4
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out.splitlines()
    assert "the same output as the model for" in printed[0]
    names = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for code in blocks:
        exec(compile(code, "mobile.md", "exec"), names)
    assert len(blocks) == 2
    assert names["report"]["samples"] == 16
    # The command's file and the shipped one, of the same precision.
    assert names["caption"] == printed[1]
    # Three answers, of which the loop ends with the least likely.
    printed = capsys.readouterr().out.splitlines()
    assert (
        len(printed) == 4
        and printed[-1] == f"{names['answer']} {names['answer'].score}"
    )
