from __future__ import annotations

from collections.abc import Callable

import prometheus_client


class ServingMetrics:
    """What Prometheus reads, in a registry of its own.

    Args:
        waiting_rows: function of no arguments, rows in all queues.
    """

    def __init__(self, waiting_rows: Callable[[], int]):
        self.registry = prometheus_client.CollectorRegistry()
        # Its resident memory above all.
        prometheus_client.ProcessCollector(registry=self.registry)
        self._requests = prometheus_client.Counter(
            "mmkeras_serving_requests",
            "Requests answered, by gRPC's name of the result.",
            ["model", "method", "protocol", "code"],
            registry=self.registry,
        )
        self._seconds = prometheus_client.Histogram(
            "mmkeras_serving_request_seconds",
            "From a request's head (REST) or message (gRPC) to its answer.",
            ["model", "method", "protocol"],
            registry=self.registry,
        )
        self._rows = prometheus_client.Histogram(
            "mmkeras_serving_batch_rows",
            "Rows that one call of a model took.",
            ["model"],
            buckets=[1, 2, 4, 8, 16, 32, 64, 128, 256],
            registry=self.registry,
        )
        prometheus_client.Gauge(
            "mmkeras_serving_waiting_rows",
            "Rows that wait for their turn.",
            registry=self.registry,
        ).set_function(waiting_rows)

    def observe_batch(self, model: str, rows: int) -> None:
        """Counts one call of a model."""
        self._rows.labels(model).observe(rows)

    def observe_request(
        self, model: str, method: str, protocol: str, code: str, seconds: float
    ) -> None:
        """Counts one request; `model` is `""` if it is none of ours."""
        self._requests.labels(model, method, protocol, code).inc()
        self._seconds.labels(model, method, protocol).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus's format."""
        return prometheus_client.generate_latest(self.registry)
