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

# Up to this number of bytes, a thread costs more time than the work.
_SMALL = 64 * 1024
_CLIENT_GONE = 499
_TOO_LARGE = 413


def rest_app(predictor: Predictor) -> fastapi.FastAPI:
    """Create the server of TF Serving's REST API, with metrics and health checks.

    - `POST /v1/models/NAME[/versions/N|/labels/L]:predict`
    - `GET /v1/models/NAME[/versions/N|/labels/L][/metadata]`
    - `GET /monitoring/prometheus/metrics`
    - `GET /healthz` and `GET /readyz`: status 200. The port is closed before the models
      are loaded and after the server is stopped.

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
    """The endpoints under `/v1/models`."""

    def __init__(self, predictor):
        self._predictor = predictor
        self._verbs = {
            "status": self._status,
            "metadata": self._metadata,
            "predict": self._predict,
            "classify": self._unsupported,
            "regress": self._unsupported,
        }

    async def answer(self, request) -> fastapi.Response:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii")
        try:
            target = RestTarget.parse(request.method, path)
            async with self._predictor.request(target.model, target.verb, "rest"):
                body = await self._verbs[target.verb](request, target)
        except ServingError as error:
            return _error(error)
        except ClientDisconnect:
            # Nobody reads the response, but it is counted.
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
            parsed = await _in_thread(len(body), parse, body, version.model.signature)
            outputs = await version.batcher.predict(parsed.signature, parsed.inputs)
        size = sum(value.nbytes for value in outputs.values())
        return await _in_thread(size, json_answer, outputs, parsed.by_row)

    async def _unsupported(self, request, target) -> bytes:
        raise ServingError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"`{target.verb}` is not supported: no signature accepts tf.Example. Use "
            "`predict`.",
        )


async def _in_thread(size, function, *args):
    """Call a function, in a thread if its work is long.

    `json.loads` and `json.dumps` hold Python's global lock: 30 MB of numbers delay
    other requests by half a second, 30 MB of base64 by 0.03 seconds.
    """
    if size <= _SMALL:
        return function(*args)
    return await asyncio.to_thread(function, *args)


def _error(error) -> fastapi.Response:
    # Otherwise the server would wait for the rest of a body that is too large.
    closes = error.http_status == _TOO_LARGE
    return fastapi.Response(
        json.dumps({"error": error.message}).encode(),
        status_code=error.http_status,
        headers={"Connection": "close"} if closes else None,
        media_type="application/json",
    )
