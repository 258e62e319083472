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

# How long those who wait are still answered when the server stops.
_GRACE_SECONDS = 10.0
_BACKLOG = 1024
# Between the two looks at the start; a folder that is written to changes faster.
_FIRST_LOOKS_SECONDS = 0.2
_LOG = logging.getLogger("mmkeras.serving")


class Endpoint:
    """A local server of SavedModels that speaks TF Serving's REST and gRPC.

    Args:
        models: dict of folders by the name of the model. A folder has version folders
            (`1/`, `2/`), the newest of which is served, or is a SavedModel itself.
        options: `ServingOptions`, or `None` for the defaults.
        host: string, the address to listen at. Whoever reaches it may use it: there
            is neither a password nor encryption.
        rest_port: int, 0 for any free port.
        grpc_port: int, 0 for any free port.
        labels: dict of dicts of versions, by model and label.

    Attributes:
        rest_address: string, `"127.0.0.1:8501"`, once it is ready.
        grpc_address: string, `"127.0.0.1:8500"`, once it is ready.

    Raises:
        FileNotFoundError: if a folder has no version.
        ValueError: if there is no model, a name is not fit for an address, or a label
            is of no model.

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
        """Serves until it is told to stop, and then those who still wait.

        Args:
            stop: `asyncio.Event` of the running loop.
            ready: function of no arguments, called once requests are answered.

        Raises:
            OSError: if a port is taken.
            ValueError: if a model cannot be loaded.
        """
        async with contextlib.AsyncExitStack() as stack:
            rest_socket = stack.enter_context(_listener(self._host, self._ports[0]))
            # gRPC takes its port only when the models are there, seconds later.
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
        for look in range(2):
            if look:
                await asyncio.sleep(_FIRST_LOOKS_SECONDS)
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
                    # A folder may be away for a while; the next look may see it.
                    _LOG.error("%s cannot be looked at: %s", model.folder, error)

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
            # What none of them should end by is an error of the endpoint.
            if task.done():
                task.result()

    async def _start_grpc(self, predictor):
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._options.max_body_bytes),
                ("grpc.max_send_message_length", -1),
                # Or a second server would share the port in silence.
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=_most_calls(self._options),
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
            raise OSError(f"{address} cannot be listened at: {error}") from error
        await server.start()
        return server, port


class _RestServer(uvicorn.Server):
    """Signals are for whoever runs the endpoint."""

    def capture_signals(self):
        return contextlib.nullcontext()


async def _unless(stop, work):
    """What `work` returns, or `None` if it is told to stop first."""
    task, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        waiting.cancel()
        task.cancel()


def _most_calls(options) -> int:
    # Of one row each, waiting and running, and some that ask for the status.
    running = options.batch_threads * options.max_batch_size
    return options.queue_length + running + 64


def _check_models(folders, labels):
    if not folders:
        raise ValueError("Name at least one model, e.g. captioner=export/captioner.")
    for name, folder in folders.items():
        if not name or set(name) & set("/:"):
            raise ValueError(
                "The name of a model must have a letter, and neither `/` nor `:`. "
                f"Received: {name!r}."
            )
        if not find_versions(folder):
            raise FileNotFoundError(
                f"{folder} has no SavedModel, and no folder of one named by a version, "
                f"e.g. {os.path.join(folder, '1')}."
            )
    unknown = sorted(labels.keys() - folders.keys())
    if unknown:
        raise ValueError(f"There is no model to label named {', '.join(unknown)}.")


def _listener(host, port) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        family, kind, protocol, _, address = found
        # asyncio turns Nagle's algorithm off only where the protocol is named; with it
        # each answer comes 40 ms late.
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(f"{host} is no address to listen at: {error}") from error
    try:
        # Or a restart would wait a minute for connections of the last one.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise OSError(
            f"{_address(host, port)} cannot be listened at: {reason}. Choose another "
            "port, 0 for any that is free."
        ) from error
    return listener


def _address(host, port) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
