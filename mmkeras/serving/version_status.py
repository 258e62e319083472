from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import grpc
from tensorflow_serving.apis import get_model_status_pb2

_STATES = get_model_status_pb2.ModelVersionStatus.State


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """The state of one version, in the terms of TF Serving.

    Args:
        version: int.
        state: string, `"START"`, `"LOADING"`, `"AVAILABLE"`, `"UNLOADING"` or
            `"END"`.
        message: string, the error, or `""`.
    """

    version: int
    state: str
    message: str = ""

    @property
    def code(self) -> grpc.StatusCode:
        """`UNKNOWN` if there is an error, else `OK`."""
        return grpc.StatusCode.UNKNOWN if self.message else grpc.StatusCode.OK


def status_response(
    statuses: Sequence[VersionStatus],
) -> get_model_status_pb2.GetModelStatusResponse:
    """Convert the states of versions to TF Serving's response.

    Args:
        statuses: sequence of `VersionStatus`.

    Returns:
        A `GetModelStatusResponse`.
    """
    response = get_model_status_pb2.GetModelStatusResponse()
    for status in statuses:
        message = response.model_version_status.add(
            version=status.version, state=_STATES.Value(status.state)
        )
        message.status.error_code = status.code.value[0]
        message.status.error_message = status.message
    return response
