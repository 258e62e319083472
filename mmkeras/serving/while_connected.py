from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import starlette.requests


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


async def _disconnected(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass
