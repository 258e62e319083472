import base64
import json
import re
import socket
import time

import httpx
import pytest

from tests.serving.conftest import A_WHILE, RunningEndpoint, wait_until


def b64(data: bytes) -> dict:
    return {"b64": base64.b64encode(data).decode()}


def error_of(response, status) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert list(document) == ["error"]
    return document["error"]


def test_status(endpoint):
    expected = {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    for path in ("/v1/models/tiny", "/v1/models/tiny/versions/1"):
        assert endpoint.rest.get(path).json() == expected


def test_metadata(endpoint):
    document = endpoint.rest.get("/v1/models/tiny/metadata").json()
    assert document["model_spec"] == {
        "name": "tiny",
        "signature_name": "",
        "version": "1",
    }
    signature = document["metadata"]["signature_def"]["signature_def"]["answer"]
    assert signature["inputs"]["question"]["dtype"] == "DT_STRING"
    assert signature["inputs"]["question"]["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }


@pytest.mark.parametrize("which", ["", "/versions/1"])
def test_rows_in_rows_out(endpoint, which):
    answer = endpoint.predict({"instances": [b64(b"ok1"), "no"]}, which=which)
    assert answer.json() == {
        "predictions": [
            {"caption": "v1:ok1", "score": 0.2, "error": ""},
            {"caption": "", "score": 0.0, "error": "unknown image format"},
        ]
    }


def test_columns_in_columns_out(endpoint):
    answer = endpoint.predict(
        {
            "signature_name": "answer",
            "inputs": {"image_bytes": [b64(b"ok")], "question": ["why?"]},
        }
    )
    assert answer.json() == {
        "outputs": {"caption": ["ok why?"], "score": [0.2], "error": [""]}
    }


def test_named_rows(endpoint):
    row = {"image_bytes": b64(b"ok"), "question": "why?"}
    answer = endpoint.predict({"signature_name": "answer", "instances": [row, row]})
    assert [row["caption"] for row in answer.json()["predictions"]] == ["ok why?"] * 2


def test_a_single_output_is_not_named(endpoint):
    pixels = [[1, 2.5], [3, 4]]
    answer = endpoint.predict({"signature_name": "sums", "instances": pixels})
    assert answer.json() == {"predictions": [3.5, 7.0]}
    answer = endpoint.predict({"signature_name": "sums", "inputs": pixels})
    assert answer.json() == {"outputs": [3.5, 7.0]}


def test_a_signature_without_rows(endpoint):
    answer = endpoint.predict({"signature_name": "scalar", "inputs": 21})
    assert answer.json() == {"outputs": 42}
    answer = endpoint.predict({"signature_name": "echo", "inputs": "a scalar"})
    assert answer.json() == {"outputs": "a scalar"}


@pytest.mark.parametrize(
    "document, status, message",
    [
        ({"signature_name": "nope", "instances": ["ok"]}, 400, '"nope" not found'),
        ({"signature_name": 3, "instances": ["ok"]}, 400, "must be a string"),
        ({"instances": []}, 400, "No values in 'instances'"),
        ({"inputs": []}, 400, "batch is empty"),
        ({"instances": "ok"}, 400, "to be a list"),
        ({"instances": ["ok"], "inputs": ["ok"]}, 400, "only one of"),
        ({}, 400, "Missing 'inputs' or 'instances'"),
        ({"instances": [1]}, 400, "JSON Value: 1 .* not of expected type: string"),
        ({"instances": [None]}, 400, "Type: Null"),
        ({"instances": ["ok", ["ok"]]}, 400, "ragged"),
        ({"instances": [["ok"], ["ok"]]}, 400, r"shape \[None\].*\[2, 1\]"),
        ({"instances": [{"b64": "%%%"}]}, 400, "Unable to base64 decode"),
        ({"instances": [{"b64": 3}]}, 400, "not formatted correctly for base64"),
        ({"instances": [{"image": "ok"}]}, 400, "element: 0 .* image_bytes.*: image"),
        ({"instances": [{"image_bytes": "ok"}, "ok"]}, 400, "at item 1"),
        ({"inputs": {"image": ["ok"]}}, 400, "Missing: `image_bytes`"),
        (
            {"signature_name": "answer", "inputs": {"question": ["why?"]}},
            400,
            "Missing: `image_bytes`",
        ),
        (
            {
                "signature_name": "answer",
                "inputs": {"image_bytes": ["ok", "ok"], "question": ["why?"]},
            },
            400,
            "the same number of rows. Received: `image_bytes` 2, `question` 1",
        ),
        ({"signature_name": "answer", "instances": ["ok"]}, 400, "several inputs"),
        ({"signature_name": "sums", "instances": [[1, 2], [3]]}, 400, "ragged: lists"),
        ({"signature_name": "sums", "instances": [[1, "2"]]}, 400, "Type: String"),
        ({"signature_name": "sums", "instances": [[1, True]]}, 400, "Type: Bool"),
        (
            {"signature_name": "sums", "instances": [[1, 1e300]]},
            400,
            "cannot represent",
        ),
        ({"signature_name": "positive", "instances": [1.5]}, 400, "Type: Number"),
        ({"signature_name": "positive", "instances": [2**40]}, 400, "cannot represent"),
        ({"signature_name": "positive", "instances": [-1]}, 400, "not positive"),
        (
            {"signature_name": "sums", "instances": json.loads("[" * 70 + "]" * 70)},
            400,
            "65 or more nested lists",
        ),
        ([], 400, "not a JSON object"),
    ],
)
def test_malformed_requests(endpoint, document, status, message):
    assert re.search(message, error_of(endpoint.predict(document), status))


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b'{"instances": [', b"\xff\xfe\xfd", b"nonsense", b"[" * 50_000],
)
def test_invalid_json(endpoint, body):
    answer = endpoint.rest.post("/v1/models/tiny:predict", content=body)
    assert "JSON Parse error" in error_of(answer, 400)


@pytest.mark.parametrize(
    "path, status, message",
    [
        ("/v1/models/nobody", 404, "nobody"),
        ("/v1/models/nobody/metadata", 404, "nobody"),
        ("/v1/models/tiny/versions/7", 404, "Could not find version 7 of model tiny"),
        ("/v1/models/tiny/versions/7/metadata", 404, r"Specific(tiny, 7)"),
        ("/v1/models/tiny/labels/beta", 404, "version label: beta"),
        ("/v1/models/tiny:predict", 400, "Malformed request: GET"),
        ("/v1/models/tiny/versions/99999999999999999999", 400, "to numeric"),
        (f"/v1/models/tiny/versions/{'9' * 5000}", 400, "convert version: 99"),
        ("/v1/models", 400, "Malformed request"),
        ("/", 400, "Malformed request: GET /"),
    ],
)
def test_unknown_urls(endpoint, path, status, message):
    assert message in error_of(endpoint.rest.get(path), status)


@pytest.mark.parametrize(
    "path, status, message",
    [
        ("/v1/models/nobody:predict", 404, "Latest(nobody)"),
        ("/v1/models/tiny/versions/7:predict", 404, "Specific(tiny, 7)"),
        ("/v1/models/tiny/labels/beta:predict", 404, "version label: beta"),
        ("/v1/models/tiny:classify", 501, "`predict`"),
        ("/v1/models/tiny:regress", 501, "`predict`"),
        ("/v1/models/tiny", 400, "Malformed request: POST"),
    ],
)
def test_unknown_targets(endpoint, path, status, message):
    answer = endpoint.rest.post(path, json={"instances": ["ok"]})
    assert message in error_of(answer, status)


def chunks(number, size=10_000):
    for _ in range(number):
        yield b"x" * size


def test_a_body_with_a_content_length_that_is_too_large(endpoint):
    answer = endpoint.rest.post("/v1/models/tiny:predict", content=b"x" * 100_001)
    assert "at most 100000 bytes" in error_of(answer, 413)


def test_a_body_that_grows_too_large(endpoint):
    answer = endpoint.rest.post("/v1/models/tiny:predict", content=chunks(20))
    assert "at most 100000 bytes" in error_of(answer, 413)


def test_an_endless_body_is_cut_off(endpoint):
    sent = []
    try:
        answer = endpoint.rest.post(
            "/v1/models/tiny:predict",
            content=(sent.append(chunk) or chunk for chunk in chunks(10_000)),
        )
    except httpx.TransportError:
        # The client may still be sending when the connection is closed.
        pass
    else:
        error_of(answer, 413)
    # Of 100 MB, 0.8 MB are discarded, and some are in transit.
    assert len(sent) < 5000
    assert endpoint.predict({"instances": ["ok"]}).status_code == 200


def test_a_compressed_body(endpoint):
    answer = endpoint.rest.post(
        "/v1/models/tiny:predict", content=b"x", headers={"Content-Encoding": "gzip"}
    )
    assert "Compressed" in error_of(answer, 400)


def send(endpoint, head: str, body: bytes = b"") -> socket.socket:
    host, _, port = endpoint.rest_address.rpartition(":")
    connection = socket.create_connection((host, int(port)))
    lines = ["POST /v1/models/tiny:predict HTTP/1.1", "Host: here", head, "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)
    return connection


def test_a_client_that_disconnects_within_its_body(endpoint):
    before = endpoint.metric("mmkeras_serving_requests_total")
    send(endpoint, "Content-Length: 1000", b'{"instances"').close()
    wait_until(lambda: endpoint.metric("mmkeras_serving_requests_total") > before)
    assert endpoint.predict({"instances": ["ok"]}).status_code == 200


def test_a_waiting_client_that_disconnects_leaves_the_queue(tiny_folder):
    with RunningEndpoint(
        {"tiny": tiny_folder}, max_batch_size=1, batch_threads=1, queue_length=2
    ) as endpoint:
        busy = json.dumps({"signature_name": "slow", "instances": [A_WHILE]}).encode()
        row = json.dumps({"instances": ["ok"]}).encode()
        holder = send(endpoint, f"Content-Length: {len(busy)}", busy)
        time.sleep(0.2)
        waiting = [send(endpoint, f"Content-Length: {len(row)}", row) for _ in "ab"]
        wait_until(lambda: endpoint.metric("mmkeras_serving_waiting_rows") == 2)
        answer = endpoint.predict({"instances": ["ok"]})
        assert "queue is full: 2 of 2" in error_of(answer, 429)
        for connection in waiting:
            connection.close()
        wait_until(lambda: endpoint.metric("mmkeras_serving_waiting_rows") == 0)
        assert endpoint.predict({"instances": ["ok"]}).status_code == 200
        holder.close()


def test_a_request_may_not_have_more_rows_than_the_queue(tiny_folder):
    with RunningEndpoint({"tiny": tiny_folder}, queue_length=4) as endpoint:
        answer = endpoint.predict({"instances": ["ok"] * 5})
        assert "at most 4 rows" in error_of(answer, 400)
        assert endpoint.predict({"instances": ["ok"] * 4}).status_code == 200


def test_pending_bytes_are_limited(tiny_folder):
    with RunningEndpoint(
        {"tiny": tiny_folder}, max_body_bytes=1000, max_pending_bytes=1500
    ) as endpoint:
        half = send(endpoint, "Content-Length: 900", b"{")
        answer = None

        def refused():
            nonlocal answer
            answer = endpoint.predict({"instances": ["ok" * 350]})
            return answer.status_code == 429

        wait_until(refused)
        assert "too many bytes" in error_of(answer, 429)
        half.close()
        wait_until(lambda: not refused())
        assert answer.status_code == 200


def test_a_model_that_takes_too_long(tiny_folder):
    # The model itself cannot be stopped, so that its iterations are limited.
    with RunningEndpoint({"tiny": tiny_folder}, request_timeout=0.3) as endpoint:
        slow = {"signature_name": "slow", "instances": [A_WHILE]}
        assert "within 0.3 seconds" in error_of(endpoint.predict(slow), 504)
        assert endpoint.predict({"instances": ["ok"]}).status_code == 200


def test_a_body_that_takes_too_long(tiny_folder):
    with RunningEndpoint({"tiny": tiny_folder}, request_timeout=0.3) as endpoint:
        connection = send(endpoint, "Content-Length: 1000", b"{")
        assert connection.recv(100).startswith(b"HTTP/1.1 504 ")
        connection.close()


def test_health_and_metrics(endpoint):
    assert endpoint.rest.get("/healthz").json() == {"status": "ok"}
    assert endpoint.rest.get("/readyz").json() == {"status": "ready"}
    counted = 'mmkeras_serving_requests_total{code="OK",method="predict",model="tiny",'
    before = endpoint.metric(counted)
    endpoint.predict({"instances": ["ok"]})
    assert endpoint.metric(counted) == before + 1
    # Unknown names are not stored.
    endpoint.rest.get("/v1/models/made_up")
    assert "made_up" not in endpoint.rest.get("/monitoring/prometheus/metrics").text


def test_pending_requests_are_answered_after_a_stop(tiny_folder):
    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        body = json.dumps({"signature_name": "slow", "instances": [A_WHILE]}).encode()
        connection = send(endpoint, f"Content-Length: {len(body)}", body)
        time.sleep(0.2)
        endpoint.stop()
        received = b""
        while chunk := connection.recv(1000):
            received += chunk
        connection.close()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert f"[{A_WHILE}]".encode() in received
