import contextlib
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from mmkeras.cli.main import main
from tests.serving.conftest import A_WHILE, save_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    save_tiny(folder / "1", "v1")
    return folder


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    # The command sets it for its process, which here is that of the tests.
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")


def error_of(capsys, *arguments):
    assert main(["serve", *map(str, arguments)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("mmkeras: error: ")
    return lines[-1]


@contextlib.contextmanager
def serving(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "mmkeras", "serve", f"tiny={folder}"]
        + ["--rest-port", "0", "--grpc-port", "0", "--poll-seconds", "0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address_of(process) -> str:
    return process.stdout.readline().removeprefix("REST: ").strip()


# Minutes of work, whose end no test awaits.
ENDLESS = {"signature_name": "slow", "instances": [1000 * A_WHILE]}


def test_the_server_runs_until_a_signal(folder):
    with serving(folder) as process:
        address = re.fullmatch(
            r"REST: (http://127\.0\.0\.1:\d+/v1/models)\n", process.stdout.readline()
        )[1]
        assert re.fullmatch(r"gRPC: 127\.0\.0\.1:\d+\n", process.stdout.readline())
        answer = httpx.post(f"{address}/tiny:predict", json={"instances": ["ok"]})
        assert answer.json()["predictions"][0]["caption"] == "v1:ok"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == "Stopped\n"
    assert [line[24:] for line in err.splitlines()] == ["tiny version 1 is served"]


def test_an_endless_computation_does_not_keep_the_process_alive(folder):
    with serving(folder) as process:
        address = address_of(process)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/tiny:predict", json=ENDLESS, timeout=0.5)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.endswith("Stopped\n")


def test_a_second_signal_stops_the_server_at_once(folder):
    with serving(folder) as process:
        host, port = re.search(r"//(.*):(\d+)/", address_of(process)).groups()
        connection = http.client.HTTPConnection(host, int(port))
        connection.request("POST", "/v1/models/tiny:predict", json.dumps(ENDLESS))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        # Requests have ten seconds to finish.
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=5)
        connection.close()
    assert process.returncode == 128 + signal.SIGTERM
    assert "Stopped" not in out


def test_bad_arguments(capsys, folder, tmp_path):
    assert "Received: tiny" in error_of(capsys, "tiny")
    assert "names of the models must differ" in error_of(
        capsys, f"a={folder}", f"a={folder}"
    )
    assert "must not contain `/` or `:`" in error_of(capsys, f"a/b={folder}")
    missing = error_of(capsys, f"tiny={tmp_path}")
    assert f"{tmp_path} is not a SavedModel" in missing
    assert "--max-batch-size must be" in error_of(
        capsys, f"tiny={folder}", "--max-batch-size", 0
    )
    assert "--intra-op-threads must be" in error_of(
        capsys, f"tiny={folder}", "--intra-op-threads", 0
    )
    wrong = error_of(capsys, f"tiny={folder}", "--label", "stable=1")
    assert "NAME:LABEL=VERSION" in wrong
    wrong = error_of(capsys, f"tiny={folder}", "--label", "other:stable=1")
    assert "Labels of unknown models: other" in wrong


@pytest.mark.parametrize("which", ["--rest-port", "--grpc-port"])
def test_a_used_port(capsys, folder, which):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ports = {"--rest-port": 0, "--grpc-port": 0, which: port}
        arguments = [str(item) for pair in ports.items() for item in pair]
        message = error_of(capsys, f"tiny={folder}", *arguments)
    assert f"Cannot listen on 127.0.0.1:{port}" in message
    assert "Choose another port, or 0 for any free port." in message


def test_a_corrupted_model(capsys, folder, tmp_path):
    shutil.copytree(folder / "1", tmp_path / "1")
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"corrupted")
    ports = ["--rest-port", "0", "--grpc-port", "0", "--poll-seconds", "0.1"]
    message = error_of(capsys, f"tiny={tmp_path}", *ports)
    assert "tiny: no version could be loaded" in message
    assert str(tmp_path / "1") in message


def test_a_missing_package_is_named(monkeypatch, capsys, folder):
    for name in [name for name in sys.modules if name.startswith("mmkeras.serving")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    message = error_of(capsys, f"tiny={folder}")
    assert "needs fastapi: pip install 'mmkeras[serve]'" in message
