"""Reading of requests to TF Serving's REST API."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import urllib.parse
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import starlette.requests

from mmkeras.serving.serving_error import ServingError

if TYPE_CHECKING:
    from mmkeras.serving.predictor import MemoryShare

_MODEL = r"/v1/models/(?P<model>[^/:]+)"
_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"{_MODEL}{_WHICH}:(?P<verb>classify|regress|predict)", re.I)
_GET = re.compile(rf"{_MODEL}{_WHICH}(?:/(?P<verb>metadata))?", re.I)
# A client that is still sending does not read, so that a response before the end of the
# body would reach it as a broken connection.
_DISCARDED_SECONDS = 5.0
_DISCARDED_BODIES = 8


@dataclasses.dataclass(frozen=True)
class RestTarget:
    """The parts of a URL of TF Serving's REST API.

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
        """Parse a URL.

        Args:
            method: string, HTTP method.
            path: string, percent-encoded path.

        Raises:
            ServingError: `INVALID_ARGUMENT` if the URL is not part of the API.
        """
        pattern = {"POST": _POST, "GET": _GET}.get(method)
        match = pattern.fullmatch(path) if pattern else None
        if match is None:
            raise ServingError.invalid(f"Malformed request: {method} {path}")
        version, label = match["version"], match["label"]
        # Python converts at most 4300 digits.
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


async def read_body(
    request: starlette.requests.Request, limit: int, hold: MemoryShare
) -> bytes:
    """Read the body of a request, and reject it as soon as it is too large.

    The rest of a rejected body is read and discarded, for at most 5 seconds and eight
    times the limit.

    Args:
        request: the request.
        limit: int, maximum number of bytes.
        hold: a `MemoryShare`, which grows with the body.

    Returns:
        Bytes.

    Raises:
        ServingError: `RESOURCE_EXHAUSTED`, with status 413, or 429 if the limit of all
            requests is exceeded; `INVALID_ARGUMENT` if the body is compressed.
        starlette.requests.ClientDisconnect: if the client disconnects.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ServingError.invalid(
            "Compressed bodies are not supported. Send it without Content-Encoding."
        )
    stream = request.stream()
    declared = int(request.headers.get("content-length") or 0)
    try:
        _check(declared, limit)
        # Counted in advance: otherwise many slow clients could exceed the limit.
        hold.grow(declared)
        return await _read(stream, limit, hold, declared)
    except ServingError:
        if request.headers.get("expect", "").lower() != "100-continue":
            await _discard(stream, _DISCARDED_BODIES * limit)
        raise


async def while_connected(request: starlette.requests.Request, work: Coroutine) -> Any:
    """Await a coroutine, and cancel it if the client disconnects.

    Args:
        request: the request, whose body has been read to the end.
        work: coroutine.

    Returns:
        The result of `work`.

    Raises:
        starlette.requests.ClientDisconnect: if the client disconnects.
    """
    task = asyncio.ensure_future(work)
    disconnected = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise starlette.requests.ClientDisconnect
        return task.result()
    finally:
        disconnected.cancel()
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
            f"The body is too large: at most {limit} bytes are accepted. "
            f"Received: {number} or more.",
            http_status=413,
        )


async def _discard(stream, limit):
    seen = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARDED_SECONDS):
            async for chunk in stream:
                seen += len(chunk)
                if seen > limit:
                    return


async def _disconnected(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass
