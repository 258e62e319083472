from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading

from mmkeras.cli.start_tensorflow import start_tensorflow

# Time for an idle thread to end.
_IDLE_SECONDS = 0.5


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser(
        "serve",
        parents=[common],
        help="serve SavedModels on this machine with TF Serving's APIs",
        description="Serves SavedModels with TF Serving's REST and gRPC APIs, for "
        "development and tests. There is no authentication and no encryption.",
    )
    parser.add_argument(
        "models",
        nargs="+",
        metavar="NAME=DIR",
        help="name of a model, and its folder of version folders (1/, 2/) or a single "
        "SavedModel",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="HOST",
        help="address to listen at (default: %(default)s)",
    )
    for name, port in (("rest", 8501), ("grpc", 8500)):
        parser.add_argument(
            f"--{name}-port",
            type=int,
            default=port,
            metavar="N",
            help="port to listen at; 0 for any free one (default: %(default)s)",
        )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME:LABEL=VERSION",
        help="label of a version, which is then served beside the newest one; may be "
        "repeated",
    )
    _add_limits(parser)
    parser.set_defaults(run=run)


def _add_limits(parser) -> None:
    def add(name, kind, default, text):
        parser.add_argument(
            name,
            type=kind,
            default=default,
            metavar="N" if kind is int else "X",
            help=f"{text} (default: %(default)s)",
        )

    add("--max-batch-size", int, 32, "maximum number of rows in a batch; 1 to disable")
    add("--batch-timeout-ms", float, 10.0, "time to wait for a full batch")
    add("--batch-threads", int, 2, "number of batches computed in parallel")
    parser.add_argument(
        "--intra-op-threads",
        type=int,
        metavar="N",
        help="number of threads that compute a batch (default: the cores, shared by "
        "--batch-threads)",
    )
    add("--queue-length", int, 1024, "maximum number of rows waiting for a model")
    add("--max-body-bytes", int, 32 * 1024 * 1024, "maximum size of a request")
    add("--request-timeout", float, 60.0, "maximum duration of a request in seconds")
    add("--poll-seconds", float, 1.0, "seconds between two searches for new versions")


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    models = dict(_model(text) for text in args.models)
    if len(models) < len(args.models):
        raise ValueError(
            f"The names of the models must differ. Received: {' '.join(args.models)}."
        )
    labels = _labels(args.label)
    if args.intra_op_threads is not None and args.intra_op_threads < 1:
        raise ValueError(
            f"--intra-op-threads must be at least 1. Received: {args.intra_op_threads}."
        )
    if args.batch_timeout_ms < 0:
        raise ValueError(
            f"--batch-timeout-ms must be at least 0. Received: {args.batch_timeout_ms}."
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
    # A third of the time of `mmkeras --help`.
    import asyncio

    asyncio.run(_serve(endpoint))
    _leave_if_busy(others)
    return 0


def _share_cores(batch_threads, intra_op_threads) -> None:
    # Parallel batches would otherwise each start a thread per core, which halves the
    # throughput of a small model. TensorFlow reads the variable when it is first used.
    name = "TF_NUM_INTRAOP_THREADS"
    if intra_op_threads is not None:
        os.environ[name] = str(intra_op_threads)
    else:
        share = (os.cpu_count() or 1) // max(1, batch_threads)
        os.environ.setdefault(name, str(max(1, share)))


async def _serve(endpoint) -> None:
    import asyncio

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
    # The computation or the load of a model cannot be stopped, and Python would wait
    # for its end, which may never come.
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
