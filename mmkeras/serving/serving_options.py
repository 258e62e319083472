from __future__ import annotations

import dataclasses

# gRPC holds the length of a message in an int32.
_TOO_MANY_BYTES = 2**31


@dataclasses.dataclass(frozen=True)
class ServingOptions:
    """What an endpoint takes at once, and how long it waits.

    Args:
        max_batch_size: int, rows that one call of the model takes; 1 turns batching
            off.
        batch_timeout: float, seconds that a free thread waits for a batch to be full,
            if the one before had several requests.
        batch_threads: int, calls of models that run side by side.
        queue_length: int, rows of a model that wait for their turn; more are refused
            with `RESOURCE_EXHAUSTED` (429).
        max_body_bytes: int, bytes of one request; more are refused while they
            arrive, with 413 (`RESOURCE_EXHAUSTED`).
        max_pending_bytes: int, bytes of all requests that are not answered yet, as they
            came, and of the arrays of gRPC, or `None` for eight times
            `max_body_bytes`; more are refused with 429. A gRPC message is counted
            only once it is there, up to `max_body_bytes` of it.
        request_timeout: float, seconds from a request's head (REST) or the end of its
            message (gRPC) to its answer, over which it is `DEADLINE_EXCEEDED` (504).
        poll_seconds: float, how often to look for new versions. A folder is loaded
            once it looks the same twice.
        num_versions: int, how many of the newest versions are served.

    Raises:
        ValueError: if one is out of range.
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
                f"`max_body_bytes` must be under {_TOO_MANY_BYTES}, which is more than "
                f"gRPC takes. Received: max_body_bytes={self.max_body_bytes}."
            )

    def _check(self, name, value):
        least = 0 if name == "batch_timeout" else 1
        whole = name not in ("batch_timeout", "request_timeout", "poll_seconds")
        if whole and (not isinstance(value, int) or value < least):
            raise ValueError(
                f"`{name}` must be an integer of at least {least}. "
                f"Received: {name}={value!r}."
            )
        # Written so that NaN is refused too.
        if not whole and not (value > 0 or value == least == 0):
            raise ValueError(f"`{name}` must be seconds. Received: {name}={value!r}.")
