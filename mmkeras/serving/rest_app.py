from __future__ import annotations

import asyncio
import json

import fastapi
import grpc
from google.protobuf import json_format
from starlette.requests import ClientDisconnect

from mmkeras.serving.json_answer import json_answer
from mmkeras.serving.json_request import JsonRequest
from mmkeras.serving.predictor import Predictor
from mmkeras.serving.rest_request import RestTarget, read_body, while_connected
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.version_status import status_response

# Under it, going to a thread takes longer than the work.
_SMALL = 64 * 1024
_CLIENT_GONE = 499
_TOO_LARGE = 413


def rest_app(predictor: Predictor) -> fastapi.FastAPI:
    """TF Serving's REST API, metrics for Prometheus, and two checks of health.

    - `POST /v1/models/NAME[/versions/N|/labels/L]:predict`
    - `GET /v1/models/NAME[/versions/N|/labels/L][/metadata]`
    - `GET /monitoring/prometheus/metrics`
    - `GET /healthz` and `GET /readyz`: 200. Before the models are there, and once it
      stops, nothing listens.

    Args:
        predictor: `Predictor`.
    """
    app = fastapi.FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    api = _Api(predictor)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

    @app.get("/healthz")
    async def healthz():
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz():
        return {"status": "ready"}

    @app.get("/monitoring/prometheus/metrics")
    async def metrics():
        text = predictor.metrics.text()
        return fastapi.Response(text, media_type="text/plain; version=0.0.4")

    @app.api_route("/{path:path}", methods=methods)
    async def everything_else(request: fastapi.Request):
        return await api.answer(request)

    return app


class _Api:
    """What stands under `/v1/models`."""

    def __init__(self, predictor):
        self._predictor = predictor

    async def answer(self, request) -> fastapi.Response:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii")
        try:
            target = RestTarget.parse(request.method, path)
            async with self._predictor.request(target.model, target.verb, "rest"):
                body = await getattr(self, f"_{target.verb}")(request, target)
        except ServingError as error:
            return _error(error)
        except ClientDisconnect:
            # Nobody reads it; the log does.
            return fastapi.Response(status_code=_CLIENT_GONE)
        return fastapi.Response(body, media_type="application/json")

    async def _status(self, request, target) -> bytes:
        model = self._predictor.model(target.model)
        statuses = model.statuses(target.version, target.label)
        response = status_response(statuses)
        return json_format.MessageToJson(
            response,
            always_print_fields_with_no_presence=True,
            preserving_proto_field_name=True,
        ).encode()

    async def _metadata(self, request, target) -> bytes:
        model = self._predictor.model(target.model)
        version = model.find(target.version, target.label)
        signatures = json_format.MessageToDict(
            version.model.signature_map(),
            always_print_fields_with_no_presence=True,
            preserving_proto_field_name=True,
        )
        spec = {
            "name": target.model,
            "signature_name": "",
            "version": str(version.number),
        }
        document = {"model_spec": spec, "metadata": {"signature_def": signatures}}
        return json.dumps(document, indent=1).encode()

    async def _predict(self, request, target) -> bytes:
        predictor = self._predictor
        with predictor.budget.hold() as hold:
            body = await read_body(request, predictor.options.max_body_bytes, hold)
            work = self._predict_body(body, target)
            return await while_connected(request, work)

    async def _predict_body(self, body, target) -> bytes:
        model = self._predictor.model(target.model)
        with model.find(target.version, target.label).in_use() as version:
            parse = JsonRequest.parse
            parsed = await _aside(len(body), parse, body, version.model.signature)
            outputs = await version.batcher.predict(parsed.signature, parsed.inputs)
        size = sum(value.nbytes for value in outputs.values())
        return await _aside(size, json_answer, outputs, parsed.by_row)

    async def _classify(self, request, target):
        raise _unimplemented(target.verb)

    async def _regress(self, request, target):
        raise _unimplemented(target.verb)


async def _aside(size, function, *args):
    """Lets others in between the steps of what is long.

    `json.loads` and `json.dumps` are one such step each, which holds Python's lock: 30
    MB of numbers keep everybody waiting for half a second, 30 MB of base64 for 0.03.
    """
    if size <= _SMALL:
        return function(*args)
    return await asyncio.to_thread(function, *args)


def _unimplemented(verb) -> ServingError:
    return ServingError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"`{verb}` is not answered: no signature takes tf.Example. Use `predict`.",
    )


def _error(error) -> fastapi.Response:
    # Of a body that is too large, the rest would be waited for.
    closes = error.http_status == _TOO_LARGE
    return fastapi.Response(
        json.dumps({"error": error.message}).encode(),
        status_code=error.http_status,
        headers={"Connection": "close"} if closes else None,
        media_type="application/json",
    )
