from __future__ import annotations

import grpc

# The status codes of TF Serving's HTTP server.
_HTTP = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
# gRPC sends the message in a header, of which clients accept up to 8 KiB.
_MAX_LENGTH = 1000


class ServingError(Exception):
    """The error response of a request.

    Args:
        code: `grpc.StatusCode`.
        message: string, truncated to 1,000 characters.
        http_status: int, or `None` for the status of TF Serving for `code`.
    """

    def __init__(
        self, code: grpc.StatusCode, message: str, http_status: int | None = None
    ):
        if len(message) > _MAX_LENGTH:
            message = f"{message[: _MAX_LENGTH - 3]}..."
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status or _HTTP[code]

    @classmethod
    def invalid(cls, message: str) -> ServingError:
        """Create an error of the client, `INVALID_ARGUMENT` (400)."""
        return cls(grpc.StatusCode.INVALID_ARGUMENT, message)

    @classmethod
    def not_found(cls, message: str) -> ServingError:
        """Create a `NOT_FOUND` error (404)."""
        return cls(grpc.StatusCode.NOT_FOUND, message)

    @classmethod
    def exhausted(cls, message: str, http_status: int | None = None) -> ServingError:
        """Create an error of an exceeded limit, `RESOURCE_EXHAUSTED` (429)."""
        return cls(grpc.StatusCode.RESOURCE_EXHAUSTED, message, http_status)
