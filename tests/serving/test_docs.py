"""The clients of docs/serving.md, run against the endpoint."""

import pathlib
import re

from mmkeras.cli.main import build_parser
from tests.serving.conftest import RunningEndpoint

ROOT = pathlib.Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "serving.md").read_text("utf-8")
SERVING = ROOT / "saved_models" / "emoji_scenes_captioner" / "serving"


def test_the_clients(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    clients = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.S))
    with RunningEndpoint({"captioner": SERVING}) as endpoint:
        clients = clients.replace("127.0.0.1:8501", endpoint.rest_address)
        clients = clients.replace("127.0.0.1:8500", endpoint.grpc_address)
        found: dict = {}
        exec(compile(clients, "docs/serving.md", "exec"), found)
    by_rest, best, by_grpc = capsys.readouterr().out.splitlines()
    caption = found["prediction"]["caption"]
    assert caption and by_rest.startswith(caption)
    assert by_grpc == caption
    assert len(found["outputs"]["captions"][0]) == 3
    assert best.startswith("['")


def test_the_options():
    parser = build_parser()
    named = re.findall(r"`(--[a-z-]+)`", TEXT.split("| option")[1].split("\n\n")[0])
    arguments = parser.parse_args(["serve", "a=b"])
    known = {f"--{name.replace('_', '-')}" for name in vars(arguments)}
    assert set(named) == known - {"--command", "--models", "--run", "--debug"}
    for name, default in re.findall(r"\| `(--[a-z-]+)` \| ([\d.]+) \|", TEXT):
        value = getattr(arguments, name[2:].replace("-", "_"))
        assert str(value).removesuffix(".0") == default, name
