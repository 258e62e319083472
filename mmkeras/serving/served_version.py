from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from mmkeras.serving.batcher import Batcher
from mmkeras.serving.model_version import ModelVersion


class ServedVersion:
    """A version that answers, and counts who still waits for it.

    Args:
        number: int.
        model: `ModelVersion`.
        batcher: `Batcher` that calls it.
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
        """Keeps the version in memory for as long as the block runs."""
        self._users += 1
        self._unused.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def drained(self) -> None:
        """Returns once nobody uses the version."""
        await self._unused.wait()
