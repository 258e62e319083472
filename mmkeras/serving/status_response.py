from __future__ import annotations

from collections.abc import Sequence

from tensorflow_serving.apis import get_model_status_pb2

from mmkeras.serving.version_status import VersionStatus

_STATES = get_model_status_pb2.ModelVersionStatus.State


def status_response(
    statuses: Sequence[VersionStatus],
) -> get_model_status_pb2.GetModelStatusResponse:
    """How far versions are, as TF Serving says it."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for status in statuses:
        message = response.model_version_status.add(
            version=status.version, state=_STATES.Value(status.state)
        )
        message.status.error_code = status.code.value[0]
        message.status.error_message = status.message
    return response
