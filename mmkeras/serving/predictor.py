from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import grpc

from mmkeras.serving.served_model import ServedModel
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.serving_metrics import ServingMetrics
from mmkeras.serving.serving_options import ServingOptions

_LOG = logging.getLogger("mmkeras.serving")


class Predictor:
    """What REST and gRPC share: models by name, limits, and counting.

    Args:
        models: dict of `ServedModel` by name.
        options: `ServingOptions`.
        metrics: `ServingMetrics`.
    """

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        options: ServingOptions,
        metrics: ServingMetrics,
    ):
        self.options = options
        self.metrics = metrics
        self.budget = MemoryBudget(options.max_pending_bytes)
        self.models = models

    def model(self, name: str) -> ServedModel:
        """A model by name.

        Raises:
            ServingError: `NOT_FOUND`, or `INVALID_ARGUMENT` if the name is missing.
        """
        if not name:
            raise ServingError.invalid("Missing model name in request.")
        if name not in self.models:
            raise ServingError.not_found(
                f"Servable not found for request: Latest({name}). Models served: "
                f"{', '.join(sorted(self.models))}."
            )
        return self.models[name]

    @asynccontextmanager
    async def request(
        self, model: str, method: str, protocol: str
    ) -> AsyncIterator[None]:
        """Bounds a request's time, counts it, and makes each failure precise.

        Args:
            model: string, as the client named it.
            method: string, for metrics.
            protocol: string, for metrics.

        Raises:
            ServingError: whatever went wrong inside, but for a cancellation.
        """
        started = time.monotonic()
        code = grpc.StatusCode.OK
        try:
            async with asyncio.timeout(self.options.request_timeout):
                yield
        except TimeoutError as error:
            code = grpc.StatusCode.DEADLINE_EXCEEDED
            raise ServingError(
                code,
                "The request was not answered within "
                f"{self.options.request_timeout:g} seconds.",
            ) from error
        except ServingError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception as error:
            code = grpc.StatusCode.INTERNAL
            _LOG.exception("a request failed within the server")
            raise ServingError(code, f"{type(error).__name__}: {error}") from error
        finally:
            # Names that clients make up would fill the memory.
            known = model if model in self.models else ""
            seconds = time.monotonic() - started
            self.metrics.observe_request(known, method, protocol, code.name, seconds)


class MemoryBudget:
    """How many bytes all unanswered requests may have together.

    Args:
        limit: int, bytes.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._taken = 0

    @property
    def taken(self) -> int:
        """Bytes that requests have now."""
        return self._taken

    def hold(self) -> _Hold:
        """A share that grows, and is given back at the end of its `with` block."""
        return _Hold(self)

    def _take(self, number):
        if self._taken + number > self._limit:
            raise ServingError.exhausted(
                f"Too many bytes wait for an answer: at most {self._limit} of all "
                "requests together. Try again later."
            )
        self._taken += number

    def _give_back(self, number):
        self._taken -= number


class _Hold:
    def __init__(self, budget):
        self._budget = budget
        self._number = 0

    def __enter__(self) -> _Hold:
        return self

    def __exit__(self, *exception) -> None:
        self._budget._give_back(self._number)

    def grow(self, number: int) -> None:
        """Takes more bytes.

        Raises:
            ServingError: `RESOURCE_EXHAUSTED` if there are no more.
        """
        self._budget._take(number)
        self._number += number
