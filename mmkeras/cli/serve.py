from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading

from mmkeras.cli.start_tensorflow import start_tensorflow

# In which a thread that has nothing to do ends.
_IDLE_SECONDS = 0.5


def add_parser(commands, common) -> None:
    parser = commands.add_parser(
        "serve",
        parents=[common],
        help="answer as TF Serving does, on this machine",
        description="Serves SavedModels over TF Serving's REST and gRPC, for "
        "development and tests. It has neither passwords nor encryption.",
    )
    parser.add_argument(
        "models",
        nargs="+",
        metavar="NAME=DIR",
        help="DIR has version folders (1/, 2/), or is one SavedModel",
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    for name, port in (("--rest-port", 8501), ("--grpc-port", 8500)):
        parser.add_argument(
            name, type=int, default=port, help="default: %(default)s; 0: any free"
        )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME:LABEL=VERSION",
        help="another name for a version, which is served besides the newest",
    )
    _add_limits(parser)
    parser.set_defaults(run=run)


def _add_limits(parser) -> None:
    def add(name, kind, default, text):
        parser.add_argument(
            name, type=kind, default=default, help=f"{text}; default: %(default)s"
        )

    add("--max-batch-size", int, 32, "most rows of one call of a model; 1: no batching")
    add("--batch-timeout-ms", float, 10.0, "how long a thread waits for a full batch")
    add("--batch-threads", int, 2, "calls of models side by side")
    parser.add_argument(
        "--intra-op-threads",
        type=int,
        help="threads of one call; default: the cores, shared by --batch-threads",
    )
    add("--queue-length", int, 1024, "most rows of a model that wait")
    add("--max-body-bytes", int, 32 * 1024 * 1024, "most bytes of a request")
    add("--request-timeout", float, 60.0, "seconds that a request may take")
    add("--poll-seconds", float, 1.0, "how often to look for new versions")


def run(args) -> int:
    models = dict(_model(text) for text in args.models)
    if len(models) < len(args.models):
        raise ValueError(
            f"Each model needs a name of its own. Received: {' '.join(args.models)}."
        )
    labels = _labels(args.label)
    if args.intra_op_threads is not None and args.intra_op_threads < 1:
        raise ValueError(
            f"--intra-op-threads must be at least 1. Received: {args.intra_op_threads}."
        )
    _share_cores(args.batch_threads, args.intra_op_threads)
    start_tensorflow(args.debug)
    from mmkeras.serving import Endpoint, ServingOptions

    options = ServingOptions(
        max_batch_size=args.max_batch_size,
        batch_timeout=args.batch_timeout_ms / 1000,
        batch_threads=args.batch_threads,
        queue_length=args.queue_length,
        max_body_bytes=args.max_body_bytes,
        request_timeout=args.request_timeout,
        poll_seconds=args.poll_seconds,
    )
    endpoint = Endpoint(
        models, options, args.host, args.rest_port, args.grpc_port, labels
    )
    _log_to_stderr()
    others = set(threading.enumerate())
    asyncio.run(_serve(endpoint))
    _leave_if_busy(others)
    return 0


def _share_cores(batch_threads, intra_op_threads) -> None:
    # Calls that run side by side would otherwise each start a thread a core, which
    # halves what a small model answers in a second. TensorFlow reads it when it is
    # first used.
    name = "TF_NUM_INTRAOP_THREADS"
    if intra_op_threads is not None:
        os.environ[name] = str(intra_op_threads)
    else:
        share = (os.cpu_count() or 1) // max(1, batch_threads)
        os.environ.setdefault(name, str(max(1, share)))


async def _serve(endpoint) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop, stop, number)

    def ready():
        print(f"REST: http://{endpoint.rest_address}/v1/models")
        print(f"gRPC: {endpoint.grpc_address}", flush=True)

    await endpoint.run(stop, ready)
    print("Stopped", flush=True)


def _stop(stop, number) -> None:
    if stop.is_set():
        _leave(128 + number)
    stop.set()


def _leave_if_busy(others) -> None:
    # A call or a load of a model cannot be stopped, and Python would wait for its end,
    # which may never come.
    busy = [
        thread
        for thread in threading.enumerate()
        if thread not in others and not thread.daemon
    ]
    for thread in busy:
        thread.join(_IDLE_SECONDS)
    if any(thread.is_alive() for thread in busy):
        _leave(0)


def _leave(status) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _model(text) -> tuple[str, str]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise ValueError(
            "Name each model and its folder, e.g. captioner=export/captioner. "
            f"Received: {text}."
        )
    return name, folder


def _labels(texts) -> dict[str, dict[str, int]]:
    labels: dict[str, dict[str, int]] = {}
    for text in texts:
        name, _, rest = text.partition(":")
        label, _, version = rest.partition("=")
        if not (name and label and version.isdecimal()):
            raise ValueError(
                "Write a label as NAME:LABEL=VERSION, e.g. captioner:stable=1. "
                f"Received: {text}."
            )
        labels.setdefault(name, {})[label] = int(version)
    return labels


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("mmkeras.serving")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
