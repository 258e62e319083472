"""TF Serving's gRPC services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from mmkeras.serving.predictor import Predictor
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.tensor_proto import tensor_from_proto, tensor_to_proto
from mmkeras.serving.version_status import status_response


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """TF Serving's `PredictionService`: `Predict` and `GetModelMetadata`.

    `Classify`, `Regress` and `MultiInference` are `UNIMPLEMENTED`.

    Args:
        predictor: `Predictor`.
    """

    def __init__(self, predictor: Predictor):
        self._predictor = predictor

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        spec = request.model_spec
        async with _request(self._predictor, context, spec.name, "predict"):
            return await self._predict(request)

    async def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        spec = request.model_spec
        async with _request(self._predictor, context, spec.name, "metadata"):
            return self._metadata(request)

    async def Classify(self, request: Any, context: grpc.aio.ServicerContext) -> None:
        await self._refuse(context, "Classify")

    async def Regress(self, request: Any, context: grpc.aio.ServicerContext) -> None:
        await self._refuse(context, "Regress")

    async def MultiInference(
        self, request: Any, context: grpc.aio.ServicerContext
    ) -> None:
        await self._refuse(context, "MultiInference")

    async def _refuse(self, context, method):
        async with _request(self._predictor, context, "", method.lower()):
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"`{method}` is not supported: no signature accepts tf.Example. Use "
                "`Predict`.",
            )

    async def _predict(self, request) -> predict_pb2.PredictResponse:
        spec = request.model_spec
        version = self._find(spec)
        with self._predictor.budget.hold() as hold, version.in_use():
            hold.grow(request.ByteSize())
            signature = version.model.signature(spec.signature_name)
            signature.check_filter(request.output_filter)
            signature.check_names(request.inputs.keys())
            max_bytes = self._predictor.options.max_body_bytes
            inputs = {
                name: tensor_from_proto(proto, name, max_bytes, hold.grow)
                for name, proto in request.inputs.items()
            }
            outputs = await version.batcher.predict(signature, inputs)
        response = predict_pb2.PredictResponse()
        self._fill_spec(response.model_spec, spec.name, version, signature.name)
        for name in request.output_filter or outputs:
            response.outputs[name].CopyFrom(tensor_to_proto(outputs[name]))
        return response

    def _metadata(self, request) -> get_model_metadata_pb2.GetModelMetadataResponse:
        fields = list(request.metadata_field)
        if not fields or set(fields) != {"signature_def"}:
            raise ServingError.invalid(
                "`metadata_field` must be `signature_def`. "
                f"Received: {', '.join(fields) or 'none'}."
            )
        version = self._find(request.model_spec)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        self._fill_spec(response.model_spec, request.model_spec.name, version, "")
        response.metadata["signature_def"].Pack(version.model.signature_map())
        return response

    def _find(self, spec):
        version = spec.version.value if spec.HasField("version") else None
        model = self._predictor.model(spec.name)
        return model.find(version, spec.version_label or None)

    def _fill_spec(self, spec, name, version, signature):
        spec.name = name
        spec.version.value = version.number
        spec.signature_name = signature


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """TF Serving's `ModelService`: `GetModelStatus`.

    Args:
        predictor: `Predictor`.
    """

    def __init__(self, predictor: Predictor):
        self._predictor = predictor

    async def GetModelStatus(
        self,
        request: get_model_status_pb2.GetModelStatusRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_status_pb2.GetModelStatusResponse:
        spec = request.model_spec
        async with _request(self._predictor, context, spec.name, "status"):
            version = spec.version.value if spec.HasField("version") else None
            model = self._predictor.model(spec.name)
            label = spec.version_label or None
            return status_response(model.statuses(version, label))

    async def HandleReloadConfigRequest(
        self, request: Any, context: grpc.aio.ServicerContext
    ) -> None:
        async with _request(self._predictor, context, "", "reload"):
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                "Models are configured when the server starts. Restart it.",
            )


@asynccontextmanager
async def _request(
    predictor: Predictor, context: grpc.aio.ServicerContext, model: str, method: str
) -> AsyncIterator[None]:
    """Run the block in `Predictor.request`, and abort the call if it fails."""
    try:
        async with predictor.request(model, method, "grpc"):
            yield
    except ServingError as error:
        await context.abort(error.code, error.message)
