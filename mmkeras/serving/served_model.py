from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import logging
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from mmkeras.serving.batcher import Batcher
from mmkeras.serving.model_version import ModelVersion
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.version_folders import (
    Snapshot,
    find_versions,
    folder_snapshot,
)
from mmkeras.serving.version_status import VersionStatus

_LOG = logging.getLogger("mmkeras.serving")
# Maximum number of versions in the status that are no longer served.
_MAX_ENDED = 16


class ServedVersion:
    """A version that is served, with a count of its pending requests.

    Args:
        number: int, the version.
        model: `ModelVersion`.
        batcher: `Batcher` of the model.
    """

    def __init__(self, number: int, model: ModelVersion, batcher: Batcher):
        self.number = number
        self.model = model
        self.batcher = batcher
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    @contextmanager
    def in_use(self) -> Iterator[ServedVersion]:
        """Keep the version in memory while the block runs."""
        self._users += 1
        self._unused.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def drained(self) -> None:
        """Wait until no request uses the version."""
        await self._unused.wait()


class ServedModel:
    """A model and the versions of it that are served.

    `poll` checks the folder. A new version is loaded beside the old one, which is
    served until the new one is available and its own pending requests are answered. A
    version that cannot be loaded only changes the status, and is loaded again when its
    files change.

    A model belongs to one event loop.

    Args:
        name: string.
        folder: path, as in `find_versions`.
        labels: dict from label to version. These versions are served besides the newest
            ones.
        num_versions: int, number of newest versions that are served.
        make_batcher: function from a `ModelVersion` to its `Batcher`.
        loader: executor in which versions are loaded.
    """

    def __init__(
        self,
        name: str,
        folder: str | os.PathLike,
        labels: Mapping[str, int],
        num_versions: int,
        make_batcher: Callable[[ModelVersion], Batcher],
        loader: concurrent.futures.Executor,
    ):
        self.name = name
        self.folder = pathlib.Path(folder)
        self._labels = dict(labels)
        self._num_versions = num_versions
        self._make_batcher = make_batcher
        self._loader = loader
        self._served: dict[int, ServedVersion] = {}
        self._states: dict[int, VersionStatus] = {}
        self._seen: dict[int, Snapshot | None] = {}
        self._failed: dict[int, Snapshot] = {}
        self._retiring: set[asyncio.Task] = set()

    @property
    def is_available(self) -> bool:
        """Whether a version is served."""
        return bool(self._served)

    @property
    def waiting_rows(self) -> int:
        """Number of rows in the queues of all versions."""
        return sum(version.batcher.waiting_rows for version in self._served.values())

    def find(
        self, version: int | None = None, label: str | None = None
    ) -> ServedVersion:
        """Find the version for a request.

        Args:
            version: int, or `None` for the newest.
            label: string, an alternative to `version`.

        Returns:
            A `ServedVersion`.

        Raises:
            ServingError: `NOT_FOUND` if the version is not served, or
                `INVALID_ARGUMENT` if both arguments are given.
        """
        if version is not None and label:
            raise ServingError.invalid(
                f"Both model version ({version}) and model version label ({label}) "
                "cannot be supplied."
            )
        if label:
            if label not in self._labels:
                raise ServingError.not_found(
                    f"Unrecognized servable version label: {label}. Labels of "
                    f"{self.name}: {', '.join(sorted(self._labels)) or 'none'}."
                )
            version = self._labels[label]
        if version is None and self._served:
            return self._served[max(self._served)]
        if version in self._served:
            return self._served[version]
        requested = f"Latest({self.name})"
        if version is not None:
            requested = f"Specific({self.name}, {version})"
        raise ServingError.not_found(
            f"Servable not found for request: {requested}. Versions served: "
            f"{', '.join(map(str, sorted(self._served))) or 'none'}."
        )

    def statuses(
        self, version: int | None = None, label: str | None = None
    ) -> list[VersionStatus]:
        """Return the states of versions, newest first.

        Args:
            version: int, to select one version.
            label: string, to select the version with that label.

        Returns:
            List of `VersionStatus`.

        Raises:
            ServingError: `NOT_FOUND` if there is no such version.
        """
        if label:
            version = self.find(version, label).number
        statuses = [
            status
            for number, status in sorted(self._states.items(), reverse=True)
            if version in (None, number)
        ]
        if not statuses:
            which = "any versions" if version is None else f"version {version}"
            raise ServingError.not_found(f"Could not find {which} of model {self.name}")
        return statuses

    async def poll(self) -> None:
        """Load new versions of the folder, and unload those that they replace."""
        versions = await asyncio.to_thread(find_versions, self.folder)
        kept = []
        for number, path in versions.items():
            wanted = len(kept) < self._num_versions
            if not wanted and number not in self._labels.values():
                continue
            if number in self._served or await self._load(number, path):
                kept += [number] if wanted else []
        self._forget(versions)
        if kept:
            self._forget_unwanted(min(kept))
            for number in set(self._served) - set(kept) - set(self._labels.values()):
                self._retire(number)

    def failures(self) -> list[str]:
        """Errors of the versions that could not be loaded."""
        return [status.message for status in self._states.values() if status.message]

    async def _load(self, number, path) -> bool:
        try:
            snapshot = await asyncio.to_thread(folder_snapshot, path)
        except OSError as error:
            self._fail(number, error)
            return False
        incomplete = snapshot is None or snapshot != self._seen.get(number)
        self._seen[number] = snapshot
        if incomplete or self._failed.get(number) == snapshot:
            if number not in self._states:
                self._set_status(number, "START")
            return False
        self._set_status(number, "LOADING")
        loop = asyncio.get_running_loop()
        try:
            model = await loop.run_in_executor(self._loader, ModelVersion, path)
        except Exception as error:
            self._failed[number] = snapshot
            self._fail(number, error)
            return False
        batcher = self._make_batcher(model)
        self._served[number] = ServedVersion(number, model, batcher)
        self._failed.pop(number, None)
        self._set_status(number, "AVAILABLE")
        _LOG.info("%s version %d is served", self.name, number)
        return True

    def _retire(self, number):
        version = self._served.pop(number)
        self._seen.pop(number, None)
        self._set_status(number, "UNLOADING")
        task = asyncio.get_running_loop().create_task(self._drain(version))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _drain(self, version):
        number = version.number
        await version.drained()
        del version
        # TensorFlow's objects have reference cycles.
        await asyncio.to_thread(gc.collect)
        if number not in self._served:
            self._set_status(number, "END")
        _LOG.info("%s version %d is no longer served", self.name, number)

    def _fail(self, number, error):
        message = str(error) or type(error).__name__
        known = self._states.get(number)
        # Logged once, not at every poll of a folder that cannot be read.
        if not known or known.message != message:
            _LOG.error("%s version %d: %s", self.name, number, message)
        self._set_status(number, "END", message)

    def _set_status(self, number, state, message=""):
        self._states[number] = VersionStatus(number, state, message)

    def _forget_unwanted(self, oldest):
        for number, status in list(self._states.items()):
            if status.state == "START" and number < oldest:
                del self._states[number]

    def _forget(self, versions):
        ended = [
            number
            for number, status in sorted(self._states.items(), reverse=True)
            if status.state in ("START", "END") and number not in versions
        ]
        for number in ended[_MAX_ENDED:]:
            del self._states[number]
        for number in self._seen.keys() - versions.keys():
            del self._seen[number]
            self._failed.pop(number, None)
