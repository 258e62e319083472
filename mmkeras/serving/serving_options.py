from __future__ import annotations

import dataclasses
import numbers

# gRPC stores the length of a message in an int32.
_TOO_MANY_BYTES = 2**31


@dataclasses.dataclass(frozen=True)
class ServingOptions:
    """Limits and timeouts of an endpoint.

    Args:
        max_batch_size: int, maximum number of rows in one call of a model. 1 turns
            batching off.
        batch_timeout: float, maximum seconds that a free thread waits for a full batch
            if the previous batch had several requests.
        batch_threads: int, number of concurrent calls of models.
        queue_length: int, maximum number of waiting rows of a model. Further requests
            fail with `RESOURCE_EXHAUSTED` (429).
        max_body_bytes: int, maximum bytes of a request. Larger ones fail while they
            arrive, with `RESOURCE_EXHAUSTED` (413).
        max_pending_bytes: int, maximum bytes of all pending requests, and of their
            arrays in gRPC, or `None` for eight times `max_body_bytes`. Further requests
            fail with `RESOURCE_EXHAUSTED` (429). A gRPC message is counted only after
            it has arrived.
        request_timeout: float, maximum seconds from the header (REST) or the end of the
            message (gRPC) of a request to its response. Slower requests fail with
            `DEADLINE_EXCEEDED` (504).
        poll_seconds: float, seconds between checks for new versions. A version is
            loaded when its files are the same in two checks.
        num_versions: int, number of newest versions that are served.

    Raises:
        ValueError: if an option is out of range.
    """

    max_batch_size: int = 32
    batch_timeout: float = 0.01
    batch_threads: int = 2
    queue_length: int = 1024
    max_body_bytes: int = 32 * 1024 * 1024
    max_pending_bytes: int | None = None
    request_timeout: float = 60.0
    poll_seconds: float = 1.0
    num_versions: int = 1

    def __post_init__(self):
        if self.max_pending_bytes is None:
            object.__setattr__(self, "max_pending_bytes", 8 * self.max_body_bytes)
        for field in dataclasses.fields(self):
            self._check(field.name, getattr(self, field.name))

        if self.max_body_bytes >= _TOO_MANY_BYTES:
            raise ValueError(
                f"`max_body_bytes` must be under {_TOO_MANY_BYTES}, the limit of gRPC. "
                f"Received: max_body_bytes={self.max_body_bytes}."
            )

    def _check(self, name, value):
        minimum = 0 if name == "batch_timeout" else 1
        is_integer = name not in ("batch_timeout", "request_timeout", "poll_seconds")
        if is_integer and (not isinstance(value, numbers.Integral) or value < minimum):
            raise ValueError(
                f"`{name}` must be an integer of at least {minimum}. "
                f"Received: {name}={value!r}."
            )
        # The negated comparison rejects NaN too.
        if not is_integer and not (value > 0 or value == minimum == 0):
            raise ValueError(
                f"`{name}` must be a positive number of seconds. "
                f"Received: {name}={value!r}."
            )
