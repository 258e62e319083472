from __future__ import annotations

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc

from mmkeras.serving.grpc_request import grpc_request
from mmkeras.serving.predictor import Predictor
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.status_response import status_response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """TF Serving's `ModelService`: `GetModelStatus`.

    Args:
        predictor: `Predictor`.
    """

    def __init__(self, predictor: Predictor):
        self._predictor = predictor

    async def GetModelStatus(self, request, context):  # noqa: N802
        spec = request.model_spec
        async with grpc_request(self._predictor, context, spec.name, "status"):
            version = spec.version.value if spec.HasField("version") else None
            model = self._predictor.model(spec.name)
            label = spec.version_label or None
            return status_response(model.statuses(version, label))

    async def HandleReloadConfigRequest(self, request, context):  # noqa: N802
        async with grpc_request(self._predictor, context, "", "reload"):
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                "Models are named when the server starts. Start it anew.",
            )
