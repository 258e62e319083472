"""What docs/mobile.md tells a reader to type is typed here."""

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
    said = capsys.readouterr().out.splitlines()
    assert "the same as the model for" in said[0]
    names = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for code in blocks:
        exec(compile(code, "mobile.md", "exec"), names)
    assert len(blocks) == 2
    assert names["report"]["samples"] == 16
    assert names["captioner"].caption("docs/scene.png") == said[1]
