from __future__ import annotations

import asyncio
import contextlib

import starlette.requests

from mmkeras.serving.serving_error import ServingError

# A client that is still writing does not read, so that an answer before the end of
# the body would reach it as a broken connection.
_DISCARDED_SECONDS = 5.0
_DISCARDED_BODIES = 8


async def read_body(request: starlette.requests.Request, limit: int, hold) -> bytes:
    """The body of a request, refused as soon as it is known to be too large.

    What is too large is not kept: the rest is read and thrown away, for 5 seconds and
    eight times the limit at most.

    Args:
        request: the request.
        limit: int, bytes.
        hold: share of a `MemoryBudget`, which grows with the body.

    Returns:
        bytes.

    Raises:
        ServingError: `RESOURCE_EXHAUSTED`, with 413 or, if all requests together
            have too much, 429; `INVALID_ARGUMENT` if the body is compressed.
        starlette.requests.ClientDisconnect: if the client has gone.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ServingError.invalid(
            "Compressed bodies are not taken. Send it without Content-Encoding."
        )
    stream = request.stream()
    declared = int(request.headers.get("content-length") or 0)
    try:
        _check(declared, limit)
        # Counted at once: many clients that send slowly would pass any limit.
        hold.grow(declared)
        return await _read(stream, limit, hold, declared)
    except ServingError:
        if request.headers.get("expect", "").lower() != "100-continue":
            await _discard(stream, _DISCARDED_BODIES * limit)
        raise


async def _read(stream, limit, hold, held) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        _check(len(body), limit)
        if len(body) > held:
            hold.grow(len(body) - held)
            held = len(body)
    return bytes(body)


def _check(number, limit):
    if number > limit:
        raise ServingError.exhausted(
            f"The body is too large: at most {limit} bytes are taken. "
            f"Received: {number} or more.",
            http_status=413,
        )


async def _discard(stream, most):
    seen = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARDED_SECONDS):
            async for chunk in stream:
                seen += len(chunk)
                if seen > most:
                    return
