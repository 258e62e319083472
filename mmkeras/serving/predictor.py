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
    """The part of the server that REST and gRPC share: models, limits and metrics.

    Args:
        models: dict from name to `ServedModel`.
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
        """Find a model.

        Args:
            name: string.

        Returns:
            A `ServedModel`.

        Raises:
            ServingError: `NOT_FOUND` if the name is unknown, or `INVALID_ARGUMENT` if
                it is empty.
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
        """Run a request with a time limit, metrics, and `ServingError` for all errors.

        Args:
            model: string, the name that the client sent.
            method: string, for metrics.
            protocol: string, for metrics.

        Raises:
            ServingError: for every error in the block, except cancellation.
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
            _LOG.exception("a request failed in the server")
            raise ServingError(code, f"{type(error).__name__}: {error}") from error
        finally:
            # Unknown names would create new metrics without limit.
            known = model if model in self.models else ""
            seconds = time.monotonic() - started
            self.metrics.observe_request(known, method, protocol, code.name, seconds)


class MemoryBudget:
    """Limit of the memory of all pending requests.

    Args:
        limit: int, maximum number of bytes.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._taken = 0

    @property
    def taken(self) -> int:
        """Number of bytes in use."""
        return self._taken

    def hold(self) -> MemoryShare:
        """Open a share that can grow, and is released at the end of a `with` block."""
        return MemoryShare(self)

    def _take(self, number):
        if self._taken + number > self._limit:
            raise ServingError.exhausted(
                f"The pending requests have too many bytes: at most {self._limit} in "
                "total. Try again later."
            )
        self._taken += number

    def _release(self, number):
        self._taken -= number


class MemoryShare:
    """The share of one request of a `MemoryBudget`."""

    def __init__(self, budget: MemoryBudget):
        self._budget = budget
        self._number = 0

    def __enter__(self) -> MemoryShare:
        return self

    def __exit__(self, *exception) -> None:
        self._budget._release(self._number)

    def grow(self, number: int) -> None:
        """Add bytes to the share.

        Raises:
            ServingError: `RESOURCE_EXHAUSTED` if the budget is exceeded.
        """
        self._budget._take(number)
        self._number += number
