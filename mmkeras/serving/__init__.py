"""A local endpoint with the REST and gRPC APIs of TF Serving."""

from importlib.util import find_spec

_PACKAGES = {
    "fastapi": "fastapi",
    "grpc": "grpcio",
    "prometheus_client": "prometheus-client",
    "uvicorn": "uvicorn",
}
_MISSING = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
if _MISSING:
    raise ImportError(
        f"Serving needs {', '.join(_MISSING)}: pip install 'mmkeras[serve]'"
    )

from mmkeras.serving.endpoint import Endpoint  # noqa: E402
from mmkeras.serving.serving_options import ServingOptions  # noqa: E402

__all__ = ["Endpoint", "ServingOptions"]
