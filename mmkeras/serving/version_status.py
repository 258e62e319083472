from __future__ import annotations

import dataclasses

import grpc


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """How far one version is, in TF Serving's words.

    Args:
        version: int.
        state: string, `"START"`, `"LOADING"`, `"AVAILABLE"`, `"UNLOADING"` or
            `"END"`.
        message: string, what is wrong with it; `""` if nothing is.
    """

    version: int
    state: str
    message: str = ""

    @property
    def code(self) -> grpc.StatusCode:
        """`UNKNOWN` if something is wrong with it."""
        return grpc.StatusCode.UNKNOWN if self.message else grpc.StatusCode.OK
