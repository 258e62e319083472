from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from mmkeras.serving.predictor import Predictor
from mmkeras.serving.serving_error import ServingError


@asynccontextmanager
async def grpc_request(
    predictor: Predictor, context: grpc.aio.ServicerContext, model: str, method: str
) -> AsyncIterator[None]:
    """`Predictor.request`, whose failures end the call.

    Args:
        predictor: `Predictor`.
        context: of the call.
        model: string, as the client named it.
        method: string, for metrics.
    """
    try:
        async with predictor.request(model, method, "grpc"):
            yield
    except ServingError as error:
        await context.abort(error.code, error.message)
