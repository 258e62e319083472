from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Mapping

import grpc
import uvicorn
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from mmkeras.serving.batcher import Batcher
from mmkeras.serving.grpc_services import ModelService, PredictionService
from mmkeras.serving.predictor import Predictor
from mmkeras.serving.rest_app import rest_app
from mmkeras.serving.served_model import ServedModel
from mmkeras.serving.serving_metrics import ServingMetrics
from mmkeras.serving.serving_options import ServingOptions
from mmkeras.serving.version_folders import find_versions

# How long pending requests are still answered after the server is stopped.
_GRACE_SECONDS = 10.0
_BACKLOG = 1024
# Between the first two polls; a folder that is being written changes faster.
_FIRST_POLLS_SECONDS = 0.2
_LOG = logging.getLogger("mmkeras.serving")


class Endpoint:
    """A local server of SavedModels with the REST and gRPC APIs of TF Serving.

    Args:
        models: dict from the name of a model to its folder, which has version folders
            (`1/`, `2/`), the newest of which is served, or is a SavedModel.
        options: `ServingOptions`, or `None` for the defaults.
        host: string, the address to listen on. There is no authentication and no
            encryption.
        rest_port: int, port of the REST API, 0 for any free port.
        grpc_port: int, port of the gRPC API, 0 for any free port.
        labels: dict from the name of a model to a dict from label to version.

    Attributes:
        rest_address: string, e.g. `"127.0.0.1:8501"`, or empty before the server is
            ready.
        grpc_address: string, e.g. `"127.0.0.1:8500"`, or empty before the server is
            ready.

    Raises:
        FileNotFoundError: if a folder has no version.
        ValueError: if there is no model, if a name cannot be part of a URL, or if a
            label belongs to an unknown model.

    Example:

    >>> endpoint = Endpoint({"captioner": "export/captioner"}, rest_port=0, grpc_port=0)
    >>> stop = asyncio.Event()
    >>> await endpoint.run(stop, ready=lambda: print(endpoint.rest_address))
    """

    def __init__(
        self,
        models: Mapping[str, str | os.PathLike],
        options: ServingOptions | None = None,
        host: str = "127.0.0.1",
        rest_port: int = 8501,
        grpc_port: int = 8500,
        labels: Mapping[str, Mapping[str, int]] | None = None,
    ):
        self._folders = dict(models)
        self._options = options or ServingOptions()
        self._host = host
        self._ports = (rest_port, grpc_port)
        self._labels = labels or {}
        self.rest_address = self.grpc_address = ""
        _check_models(self._folders, self._labels)

    async def run(
        self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None
    ) -> None:
        """Serve until `stop` is set, and answer pending requests before returning.

        Args:
            stop: `asyncio.Event` of the running loop.
            ready: function without arguments, called when the server is ready.

        Raises:
            OSError: if a port is in use.
            ValueError: if a model cannot be loaded.
        """
        async with contextlib.AsyncExitStack() as stack:
            rest_socket = stack.enter_context(_listener(self._host, self._ports[0]))
            # gRPC binds its port only after the models are loaded, seconds later.
            _listener(self._host, self._ports[1]).close()
            predictor = await _unless(stop, self._load(stack))
            if predictor is None:
                return
            watcher = asyncio.create_task(self._watch(predictor.models))
            stack.callback(watcher.cancel)
            await self._serve(predictor, rest_socket, stop, ready, watcher)

    async def _load(self, stack) -> Predictor:
        threads = self._options.batch_threads
        executor = concurrent.futures.ThreadPoolExecutor(threads, "model")
        loader = concurrent.futures.ThreadPoolExecutor(1, "loader")
        for pool in (executor, loader):
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        models: dict[str, ServedModel] = {}
        metrics = ServingMetrics(
            lambda: sum(model.waiting_rows for model in models.values())
        )
        slots = asyncio.Semaphore(threads)

        def make_batcher(name):
            return lambda model: Batcher(
                model.run,
                self._options,
                slots,
                executor,
                lambda rows: metrics.observe_batch(name, rows),
            )

        for name, folder in self._folders.items():
            models[name] = ServedModel(
                name,
                folder,
                self._labels.get(name, {}),
                self._options.num_versions,
                make_batcher(name),
                loader,
            )
        await self._first_versions(models)
        return Predictor(models, self._options, metrics)

    async def _first_versions(self, models):
        for attempt in range(2):
            if attempt:
                await asyncio.sleep(_FIRST_POLLS_SECONDS)
            for model in models.values():
                await model.poll()
        for name, model in models.items():
            if not model.is_available:
                raise ValueError(
                    f"{name}: no version could be loaded from {model.folder}: "
                    f"{'; '.join(model.failures()) or 'its files are incomplete'}."
                )

    async def _watch(self, models):
        while True:
            await asyncio.sleep(self._options.poll_seconds)
            for model in models.values():
                try:
                    await model.poll()
                except OSError as error:
                    # A folder may be unavailable for a while, e.g. on a network.
                    _LOG.error("%s cannot be read: %s", model.folder, error)

    async def _serve(self, predictor, rest_socket, stop, ready, watcher):
        grpc_server, grpc_port = await self._start_grpc(predictor)
        rest_server = _RestServer(
            uvicorn.Config(
                rest_app(predictor),
                log_config=None,
                access_log=False,
                lifespan="off",
                backlog=_BACKLOG,
                timeout_graceful_shutdown=int(_GRACE_SECONDS),
            )
        )
        rest = asyncio.create_task(rest_server.serve([rest_socket]))
        waiting = asyncio.create_task(stop.wait())
        try:
            while not rest_server.started and not rest.done():
                await asyncio.sleep(0.01)
            self.rest_address = _address(self._host, rest_socket.getsockname()[1])
            self.grpc_address = _address(self._host, grpc_port)
            ready()
            ends = {waiting, rest, watcher}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            rest_server.should_exit = True
            stopped = asyncio.create_task(grpc_server.stop(_GRACE_SECONDS))
            await asyncio.wait({stopped, rest})
        for task in (stopped, rest, watcher):
            # Raises the error of a task that failed.
            if task.done():
                task.result()

    async def _start_grpc(self, predictor):
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._options.max_body_bytes),
                ("grpc.max_send_message_length", -1),
                # Otherwise a second server would silently share the port.
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=_max_calls(self._options),
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(predictor), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(predictor), server
        )
        try:
            port = server.add_insecure_port(_address(self._host, self._ports[1]))
        except RuntimeError as error:
            address = _address(self._host, self._ports[1])
            raise OSError(f"Cannot listen on {address}: {error}") from error
        await server.start()
        return server, port


class _RestServer(uvicorn.Server):
    """A server that leaves signals to the caller of the endpoint."""

    def capture_signals(self):
        return contextlib.nullcontext()


async def _unless(stop, work):
    """Return the result of `work`, or `None` if `stop` is set first."""
    task, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        waiting.cancel()
        task.cancel()


def _max_calls(options) -> int:
    # Waiting and running requests of one row each, and some for the status.
    running = options.batch_threads * options.max_batch_size
    return options.queue_length + running + 64


def _check_models(folders, labels):
    if not folders:
        raise ValueError("Name at least one model, e.g. captioner=export/captioner.")
    for name, folder in folders.items():
        if not name or set(name) & set("/:"):
            raise ValueError(
                "The name of a model must not be empty, and must not contain `/` or "
                f"`:`. Received: {name!r}."
            )
        if not find_versions(folder):
            raise FileNotFoundError(
                f"{folder} is not a SavedModel, and has no SavedModel in a folder "
                f"named by a version, e.g. {os.path.join(folder, '1')}."
            )
    unknown = sorted(labels.keys() - folders.keys())
    if unknown:
        raise ValueError(f"Labels of unknown models: {', '.join(unknown)}.")


def _listener(host, port) -> socket.socket:
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        family, kind, protocol, _, address = info
        # asyncio disables Nagle's algorithm, which delays each response by 40 ms, only
        # if the protocol is given.
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(f"Cannot listen on {host}: {error}") from error
    try:
        # Otherwise a restart would wait a minute for old connections.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise OSError(
            f"Cannot listen on {_address(host, port)}: {reason}. Choose another "
            "port, or 0 for any free port."
        ) from error
    return listener


def _address(host, port) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
