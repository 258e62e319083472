from __future__ import annotations

from collections.abc import Callable

import prometheus_client


class ServingMetrics:
    """Metrics for Prometheus, in a separate registry.

    Args:
        waiting_rows: function without arguments that returns the number of rows in all
            queues.
    """

    def __init__(self, waiting_rows: Callable[[], int]):
        self.registry = prometheus_client.CollectorRegistry()
        # For the resident memory.
        prometheus_client.ProcessCollector(registry=self.registry)
        self._requests = prometheus_client.Counter(
            "mmkeras_serving_requests",
            "Number of requests, by gRPC status code.",
            ["model", "method", "protocol", "code"],
            registry=self.registry,
        )
        self._seconds = prometheus_client.Histogram(
            "mmkeras_serving_request_seconds",
            "Seconds from the header (REST) or message (gRPC) to the response.",
            ["model", "method", "protocol"],
            registry=self.registry,
        )
        self._rows = prometheus_client.Histogram(
            "mmkeras_serving_batch_rows",
            "Number of rows in one call of a model.",
            ["model"],
            buckets=[1, 2, 4, 8, 16, 32, 64, 128, 256],
            registry=self.registry,
        )
        prometheus_client.Gauge(
            "mmkeras_serving_waiting_rows",
            "Number of rows in the queues.",
            registry=self.registry,
        ).set_function(waiting_rows)

    def observe_batch(self, model: str, rows: int) -> None:
        """Record one call of a model."""
        self._rows.labels(model).observe(rows)

    def observe_request(
        self, model: str, method: str, protocol: str, code: str, seconds: float
    ) -> None:
        """Record one request; `model` is `""` for an unknown model."""
        self._requests.labels(model, method, protocol, code).inc()
        self._seconds.labels(model, method, protocol).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return prometheus_client.generate_latest(self.registry)
