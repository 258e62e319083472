"""Put `mmkeras serve` under load, with the shipped captioner.

    python benchmarks/serving.py                                   # minutes
    python benchmarks/serving.py --requests 1000 --paired 400      # about one

The endpoint runs in another process. 32 local clients, half of them with REST and half
with gRPC, each send the next request when the last one is answered:

- **soak**: 10,000 requests with a single image, 1% of them malformed (a truncated JPEG,
  a body of 50 MB, a wrong dtype, an unknown signature, an empty batch, a client that
  disconnects early). Every valid response must equal the output of the SavedModel,
  every other one must be the error of its kind. Clients that disconnect are only
  counted, and none of their rows may wait at the end. The memory of the server is read
  after 500 requests and after each quarter.
- **batching**: the same load on two endpoints in turns, one with `--max-batch-size 1`;
  the ratios of their medians, of responses per second and of CPU time per response,
  which other programs on the machine affect less.
- **kill**: SIGKILL during the load, and a restart. Clients may see correct responses or
  broken connections, and nothing else.
- **reload**: version 2 appears during the load. No request may fail.

The exit code is 1 if a response is wrong or a row is left. Each part takes at most
`--limit` seconds. Requests go to 127.0.0.1 only, and all processes are stopped.
"""

from __future__ import annotations

import argparse
import base64
import collections
import http.client
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from mmkeras.datasets import SceneRenderer, SceneSampler, concepts_named

ROOT = pathlib.Path(__file__).parents[1]
MODEL = ROOT / "saved_models" / "emoji_scenes_captioner" / "serving"
IMAGES = 64
WARM_UP = 500
BIG = 50_000_000
BAD_EVERY = 100
GONE = "client gone"
# The gRPC and HTTP codes of each malformed kind, and a part of the message.
BAD = {
    "truncated JPEG": ("OK", 200, "corrupt"),
    "body of 50 MB": ("RESOURCE_EXHAUSTED", 413, "33554432"),
    "wrong dtype": ("INVALID_ARGUMENT", 400, "string"),
    "unknown signature": ("INVALID_ARGUMENT", 400, "not found in signature def"),
    "empty batch": ("INVALID_ARGUMENT", 400, "batch is empty"),
    GONE: (None, None, None),
}
LEFT_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000, help="of the soak")
    parser.add_argument("--paired", type=int, default=1000, help="of each turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--limit", type=float, default=900, help="seconds a part")
    parser.add_argument("--parts", nargs="+", default=["soak", "batching", "restarts"])
    parser.add_argument("--serve-options", default="", help="for mmkeras serve")
    parser.add_argument(
        "--against", default="--max-batch-size 1", help="options of the second endpoint"
    )
    args = parser.parse_args()
    truth = Truth()
    parts = {"soak": soak, "batching": batching, "restarts": restarts}
    wrong = 0
    for name in args.parts:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(MODEL / "1", pathlib.Path(folder) / "1")
            wrong += parts[name](args, truth, folder)
    if wrong:
        raise SystemExit(f"{wrong} responses are wrong.")


def soak(args, truth, folder) -> int:
    with Server(folder, args.serve_options) as server:
        Load(server, truth, args).run(WARM_UP)
        memory = [server.memory()]
        load, seconds = Load(server, truth, args, malformed=True), 0.0
        for quarter in range(1, 5):
            seconds += load.run(args.requests * quarter // 4)
            memory.append(server.memory())
        waiting = rows_left(server)
    counts = load.counts
    print(f"soak: {args.requests} requests of {args.clients} clients")
    print(f"  correct            {counts['right']}")
    for kind in BAD:
        how = "not answered" if kind == GONE else "as they should be"
        print(f"  {kind:18} {counts[kind]} {how}")
    print(f"  wrong              {load.wrong}")
    print(f"  requests/second    {args.requests / seconds:.0f}")
    grown = ", ".join(map(str, memory[1:]))
    print(
        f"  memory             {memory[0]} MB warmed up, {grown} MB after each quarter"
    )
    print(f"  rows left waiting  {waiting:.0f}", flush=True)
    load.show_wrong()
    if waiting:
        raise SystemExit(f"{waiting:.0f} rows are waiting for no client.")
    return load.wrong


def rows_left(server) -> float:
    # The server may have noticed the last disconnection a moment ago.
    end = time.monotonic() + LEFT_SECONDS
    while waiting := server.metric("mmkeras_serving_waiting_rows"):
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    return waiting


def batching(args, truth, folder) -> int:
    other = f"{args.serve_options} {args.against}"
    wrong = 0
    with Server(folder, args.serve_options) as ours, Server(folder, other) as against:
        servers = {"batched": ours, args.against: against}
        rates, costs = ({name: [] for name in servers} for _ in range(2))
        for server in servers.values():
            Load(server, truth, args).run(args.clients * 4)
        for _ in range(args.turns):
            for name, server in servers.items():
                load, before = Load(server, truth, args), server.cpu_seconds()
                rates[name].append(args.paired / load.run(args.paired))
                costs[name].append((server.cpu_seconds() - before) / args.paired)
                wrong += load.wrong
                load.show_wrong()
        rows = ours.metric("mmkeras_serving_batch_rows_sum")
        calls = ours.metric("mmkeras_serving_batch_rows_count")
    print(f"batching: {args.turns} turns of {args.paired} requests each")
    for name in servers:
        listed = ", ".join(f"{rate:.0f}" for rate in rates[name])
        rate, cost = statistics.median(rates[name]), statistics.median(costs[name])
        print(
            f"  {name:18} {rate:.0f} per second ({listed}), {1000 * cost:.1f} ms of CPU"
        )
    rate, cost = (
        [statistics.median(found) for found in kind.values()] for kind in (rates, costs)
    )
    print(f"  rows of a batch    {rows / calls:.1f}")
    print(f"  ratio              {rate[0] / rate[1]:.2f} of responses per second")
    print(f"  ratio              {cost[1] / cost[0]:.2f} of CPU time", flush=True)
    return wrong


def restarts(args, truth, folder) -> int:
    with Server(folder, args.serve_options) as server:
        load = Load(server, truth, args, may_break=True)
        seconds = load.start()
        load.wait_for(args.clients * 4)
        server.kill()
        server.start()
        after = load.counts["right"]
        load.wait_for(after + args.clients * 4)
        load.finish(seconds)
        print("kill: SIGKILL during the load, and a restart")
        print(f"  correct            {load.counts['right']}")
        print(f"  of them after it   {load.counts['right'] - after}")
        print(f"  broken connections {load.counts['broken']}")
        print(f"  wrong              {load.wrong}", flush=True)
        load.show_wrong()
        reload = Load(server, truth, args)
        seconds = reload.start()
        reload.wait_for(args.clients * 4)
        shutil.copytree(MODEL / "1", pathlib.Path(folder) / "2")
        reload.wait_until(lambda: server.states() == {"2": "AVAILABLE", "1": "END"})
        reload.wait_for(reload.counts["right"] + args.clients * 4)
        reload.finish(seconds)
        print("reload: version 2 appears during the load")
        print(f"  correct            {reload.counts['right']}")
        print(f"  of version 1, 2    {reload.versions[1]}, {reload.versions[2]} (gRPC)")
        print(f"  failed requests    {reload.wrong}", flush=True)
        reload.show_wrong()
    return load.wrong + reload.wrong


class Truth:
    """Images and the outputs of the SavedModel for them, called directly."""

    def __init__(self):
        ids = [concept.id for concept in concepts_named("shapes")][:6]
        sampler, renderer = SceneSampler("shapes", ids), SceneRenderer(128)
        self.images = []
        for index in range(IMAGES):
            file = io.BytesIO()
            renderer.render(sampler.sample(str(index))).save(file, "JPEG")
            self.images.append(file.getvalue())
        model = tf.saved_model.load(str(MODEL / "1"))
        said = model.signatures["serving_default"](image_bytes=tf.constant(self.images))
        self._captions = [text.decode() for text in said["caption"].numpy()]
        self._scores = said["score"].numpy()
        self.rest = [rest_body(image) for image in self.images]
        self.grpc = [grpc_body(image) for image in self.images]

    def is_right(self, index, caption, score, error) -> bool:
        index %= IMAGES
        # A batch of another size sums in another order.
        near = abs(score - self._scores[index]) < 1e-3
        return caption == self._captions[index] and near and not error


def rest_body(image) -> bytes:
    row = {"b64": base64.b64encode(image).decode()}
    return json.dumps({"instances": [row]}).encode()


def grpc_body(value, signature="") -> bytes:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "captioner"
    message.model_spec.signature_name = signature
    rows = value if isinstance(value, np.ndarray) else [value]
    message.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(rows))
    return message.SerializeToString()


class Server:
    """`mmkeras serve` in another process."""

    def __init__(self, folder, options):
        self._ports = [free_port(), free_port()]
        self._command = [sys.executable, "-m", "mmkeras", "serve"]
        self._command += [f"captioner={folder}", *options.split()]
        self._command += ["--rest-port", str(self._ports[0])]
        self._command += ["--grpc-port", str(self._ports[1])]
        self.grpc_address = f"127.0.0.1:{self._ports[1]}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self._process.terminate()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        lines = [self._process.stdout.readline() for _ in range(2)]
        if not lines[1]:
            raise SystemExit(f"The server does not start: {self._command}")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(60)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=120)

    def get(self, path) -> str:
        connection = self.connect()
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def metric(self, name) -> float:
        lines = self.get("/monitoring/prometheus/metrics").splitlines()
        found = [line for line in lines if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def states(self) -> dict[str, str]:
        document = json.loads(self.get("/v1/models/captioner"))
        versions = document["model_version_status"]
        return {version["version"]: version["state"] for version in versions}

    def cpu_seconds(self) -> float:
        return self.metric("process_cpu_seconds_total")

    def memory(self) -> int:
        """Resident megabytes."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) // 1024


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Load:
    """Clients that each send their next request when the last one is answered."""

    def __init__(self, server, truth, args, malformed=False, may_break=False):
        self._server = server
        self._truth = truth
        self._clients = args.clients
        self._limit = args.limit
        self._malformed = malformed
        self._may_break = may_break
        self._lock = threading.Lock()
        self._next = 0
        self._most: float = float("inf")
        self.counts: collections.Counter = collections.Counter()
        self.versions: collections.Counter = collections.Counter()
        self._examples: list[str] = []

    @property
    def wrong(self) -> int:
        return self.counts["wrong"]

    def run(self, requests) -> float:
        """Goes on to so many, and returns how many seconds that took."""
        self._most = requests
        return self.finish(self.start(), stop=False)

    def start(self) -> float:
        self._end = time.monotonic() + self._limit
        self._threads = [
            threading.Thread(target=self._send, args=[client], daemon=True)
            for client in range(self._clients)
        ]
        for thread in self._threads:
            thread.start()
        return time.monotonic()

    def finish(self, started, stop=True) -> float:
        if stop:
            self._most = 0
        for thread in self._threads:
            thread.join(self._limit)
        if any(thread.is_alive() for thread in self._threads):
            raise SystemExit(f"Requests hang for {self._limit} seconds.")
        if time.monotonic() >= self._end:
            raise SystemExit(f"The load took over {self._limit} seconds.")
        return time.monotonic() - started

    def wait_for(self, answers) -> None:
        self.wait_until(lambda: self.counts["right"] >= answers)

    def wait_until(self, condition) -> None:
        while not condition():
            if time.monotonic() >= self._end:
                raise SystemExit(f"Nothing came of it in {self._limit} seconds.")
            time.sleep(0.05)

    def show_wrong(self) -> None:
        for example in self._examples[:5]:
            print(f"  wrong: {example[:300]}")

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self._most or time.monotonic() >= self._end:
                return None
            self._next += 1
            return self._next - 1

    def _send(self, number):
        kind = RestClient if number % 2 else GrpcClient
        client = kind(self._server, self._truth)
        while (index := self._take()) is not None:
            try:
                self._send_one(client, index)
            except (OSError, http.client.HTTPException, grpc.RpcError) as error:
                client.close()
                client = kind(self._server, self._truth)
                self._count_broken(error)
        client.close()

    def _send_one(self, client, index):
        if self._malformed and index % BAD_EVERY == 0:
            kinds = list(BAD)
            name = kinds[index // BAD_EVERY % len(kinds)]
            said = client.send_bad(name, self._truth.images[index % IMAGES])
            self._count(name, said is None, f"{name}: {said}")
            return
        version, answer = client.send(index % IMAGES)
        right = version is not None and self._truth.is_right(index, *answer)
        self._count("right", right, f"image {index % IMAGES}: {answer}")
        if right and version:
            with self._lock:
                self.versions[version] += 1

    def _count_broken(self, error):
        code = error.code().name if isinstance(error, grpc.RpcError) else ""
        broken = self._may_break and code in ("", "UNAVAILABLE", "CANCELLED")
        self._count("broken", broken, repr(error))
        # As a client would that means to try again.
        time.sleep(0.1)

    def _count(self, name, right, example):
        with self._lock:
            self.counts[name if right else "wrong"] += 1
            if not right:
                self._examples.append(example)


class RestClient:
    """One connection of HTTP."""

    def __init__(self, server, truth):
        self._server = server
        self._truth = truth
        self._connection = server.connect()

    def close(self):
        self._connection.close()

    def send(self, image):
        status, document = self._post(self._truth.rest[image])
        if status != 200:
            return None, (status, document)
        (row,) = document["predictions"]
        return 0, (row["caption"], row["score"], row["error"])

    def send_bad(self, kind, image):
        """`None` if the answer is the one of that kind, else the answer."""
        if kind == GONE:
            return self._go_away(image)
        status, document = self._post(self._bad_body(kind, image))
        said = json.dumps(document)
        _, expected, part = BAD[kind]
        return None if status == expected and part in said else f"{status} {said}"

    def _bad_body(self, kind, image):
        if kind == "truncated JPEG":
            return rest_body(image[: len(image) // 2])
        if kind == "body of 50 MB":
            return b" " * BIG
        documents = {
            "wrong dtype": {"instances": [1.5]},
            "unknown signature": {"signature_name": "nope", "instances": ["x"]},
            "empty batch": {"inputs": []},
        }
        return json.dumps(documents[kind]).encode()

    def _post(self, body):
        self._connection.request("POST", "/v1/models/captioner:predict", body)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def _go_away(self, image):
        # Half of them within the body, half before the answer.
        body = rest_body(image)
        connection = self._server.connect()
        connection.putrequest("POST", "/v1/models/captioner:predict")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body if len(image) % 2 else body[: len(body) // 2])
        connection.close()


class GrpcClient:
    """One channel of gRPC."""

    def __init__(self, server, truth):
        self._truth = truth
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_reconnect_backoff_ms", 500),
        ]
        self._channel = grpc.insecure_channel(server.grpc_address, options)
        # The official stub's, but that requests are ready: clients should not take
        # the server's cores.
        self._predict = self._channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=None,
            response_deserializer=predict_pb2.PredictResponse.FromString,
        )

    def close(self):
        self._channel.close()

    def send(self, image):
        answer = self._predict(self._truth.grpc[image], timeout=120)
        outputs = answer.outputs
        return answer.model_spec.version.value, (
            outputs["caption"].string_val[0].decode(),
            outputs["score"].float_val[0],
            outputs["error"].string_val[0],
        )

    def send_bad(self, kind, image):
        if kind == GONE:
            call = self._predict.future(grpc_body(image))
            time.sleep(0.005)
            call.cancel()
            return None
        expected, _, part = BAD[kind]
        code, said = self._answer(self._bad_body(kind, image))
        return None if code == expected and part in said else f"{code} {said}"

    def _answer(self, body):
        try:
            answer = self._predict(body, timeout=120)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        return "OK", answer.outputs["error"].string_val[0].decode()

    def _bad_body(self, kind, image):
        return {
            "truncated JPEG": lambda: grpc_body(image[: len(image) // 2]),
            "body of 50 MB": lambda: grpc_body(b" " * BIG),
            "wrong dtype": lambda: grpc_body(1.5),
            "unknown signature": lambda: grpc_body(image, "nope"),
            "empty batch": lambda: grpc_body(np.array([], object)),
        }[kind]()


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
