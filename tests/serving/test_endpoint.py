import asyncio
import shutil
import threading

import pytest

from mmkeras.serving import Endpoint, ServingOptions, served_model
from tests.serving.conftest import RunningEndpoint, wait_until


@pytest.fixture
def failures(monkeypatch):
    """Errors that `find_versions` raises, one at each call, while the list has any."""
    errors: list[Exception] = []
    find_versions = served_model.find_versions

    def look(folder):
        if errors:
            raise errors.pop()
        return find_versions(folder)

    monkeypatch.setattr(served_model, "find_versions", look)
    return errors


def is_served(endpoint, version) -> bool:
    path = f"/v1/models/tiny/versions/{version}"
    found = endpoint.rest.get(path).json()
    return "AVAILABLE" in str(found)


def test_a_folder_that_cannot_be_read_is_read_again(
    failures, tiny_folder, tiny_versions, caplog
):
    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        failures += [PermissionError(13, "Permission denied"), OSError(116, "Stale")]
        wait_until(lambda: not failures)
        shutil.copytree(tiny_versions / "2", tiny_folder / "2")
        wait_until(lambda: is_served(endpoint, 2))
    assert f"{tiny_folder} cannot be read" in caplog.text


def test_a_version_that_cannot_be_read_leaves_the_others(
    tiny_folder, tiny_versions, monkeypatch
):
    snapshot = served_model.folder_snapshot

    def look(path):
        if path.name == "3":
            raise PermissionError(13, "Permission denied", str(path))
        return snapshot(path)

    monkeypatch.setattr(served_model, "folder_snapshot", look)
    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        (tiny_folder / "3").mkdir()
        shutil.copytree(tiny_versions / "2", tiny_folder / "2")
        wait_until(lambda: is_served(endpoint, 2))
        status = endpoint.rest.get("/v1/models/tiny/versions/3").json()
        assert "Permission denied" in str(status)


def test_an_error_of_the_watcher_stops_the_endpoint(failures, tiny_folder):
    async def main():
        stop, ready = asyncio.Event(), asyncio.Event()
        options = ServingOptions(poll_seconds=0.05)
        endpoint = Endpoint({"tiny": tiny_folder}, options, rest_port=0, grpc_port=0)
        running = asyncio.create_task(endpoint.run(stop, ready.set))
        await asyncio.wait_for(ready.wait(), 20)
        failures.append(ZeroDivisionError("a mistake"))
        await asyncio.wait_for(running, 20)

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        asyncio.run(main())


def test_it_stops_while_a_model_loads(tiny_folder, monkeypatch):
    loading, go_on = threading.Event(), threading.Event()

    def load(path):
        loading.set()
        assert go_on.wait(60)
        raise ValueError("it is too late")

    monkeypatch.setattr(served_model, "ModelVersion", load)

    async def main():
        stop = asyncio.Event()
        endpoint = Endpoint({"tiny": tiny_folder}, rest_port=0, grpc_port=0)
        running = asyncio.create_task(endpoint.run(stop))
        try:
            while not loading.is_set():
                await asyncio.sleep(0.01)
            stop.set()
            await asyncio.wait_for(running, 20)
        finally:
            go_on.set()
        assert not endpoint.rest_address

    asyncio.run(main())


def test_it_starts_without_waiting_for_the_next_poll(tiny_folder):
    # The first two polls do not wait for an hour.
    with RunningEndpoint({"tiny": tiny_folder}, poll_seconds=3600) as endpoint:
        assert is_served(endpoint, 1)
