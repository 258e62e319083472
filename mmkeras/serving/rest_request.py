"""Reading of requests to TF Serving's REST API."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import urllib.parse
from collections.abc import Coroutine

import starlette.requests

from mmkeras.serving.serving_error import ServingError

_MODEL = r"/v1/models/(?P<model>[^/:]+)"
_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"{_MODEL}{_WHICH}:(?P<verb>classify|regress|predict)", re.I)
_GET = re.compile(rf"{_MODEL}{_WHICH}(?:/(?P<verb>metadata))?", re.I)
# A client that is still writing does not read, so that an answer before the end of
# the body would reach it as a broken connection.
_DISCARDED_SECONDS = 5.0
_DISCARDED_BODIES = 8


@dataclasses.dataclass(frozen=True)
class RestTarget:
    """What an address of TF Serving's REST API asks for.

    Args:
        verb: string, `"predict"`, `"classify"`, `"regress"`, `"metadata"` or
            `"status"`.
        model: string.
        version: int, or `None`.
        label: string, or `None`.
    """

    verb: str
    model: str
    version: int | None
    label: str | None

    @classmethod
    def parse(cls, method: str, path: str) -> RestTarget:
        """Reads an address.

        Args:
            method: string, of HTTP.
            path: string, as it came, percent signs and all.

        Raises:
            ServingError: `INVALID_ARGUMENT` if it is none.
        """
        pattern = {"POST": _POST, "GET": _GET}.get(method)
        match = pattern.fullmatch(path) if pattern else None
        if match is None:
            raise ServingError.invalid(f"Malformed request: {method} {path}")
        version, label = match["version"], match["label"]
        # Python itself reads no more than 4300 digits.
        if version and (len(version) > 19 or int(version) >= 2**63):
            raise ServingError.invalid(
                f"Failed to convert version: {version} to numeric."
            )
        return cls(
            (match["verb"] or "status").lower(),
            urllib.parse.unquote(match["model"]),
            int(version) if version else None,
            urllib.parse.unquote(label) if label else None,
        )


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


async def while_connected(request: starlette.requests.Request, work: Coroutine):
    """Does some work unless the client goes first.

    Args:
        request: the request, its body read to the end.
        work: coroutine; it is cancelled when the client goes.

    Returns:
        What `work` returns.

    Raises:
        starlette.requests.ClientDisconnect: if the client has gone.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise starlette.requests.ClientDisconnect
        return task.result()
    finally:
        gone.cancel()
        task.cancel()


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


async def _disconnected(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass
