import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from tests.serving.conftest import A_WHILE, RunningEndpoint, wait_until


def request(signature="", model="tiny", **inputs):
    message = predict_pb2.PredictRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    for name, value in inputs.items():
        if not isinstance(value, tensor_pb2.TensorProto):
            value = tf.make_tensor_proto(value)
        message.inputs[name].CopyFrom(value)
    return message


def refused(call, message, code, **more):
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=30, **more)
    assert caught.value.code() == code
    return caught.value.details()


INVALID = grpc.StatusCode.INVALID_ARGUMENT


def test_predict(endpoint):
    answer = endpoint.predictions.Predict(request(image_bytes=[b"ok1", b"no"]))
    outputs = {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}
    assert outputs["caption"].tolist() == [b"v1:ok1", b""]
    assert outputs["error"].tolist() == [b"", b"unknown image format"]
    np.testing.assert_array_equal(outputs["score"], np.array([0.2, 0], "float32"))
    # The field that clients without TensorFlow read.
    assert list(answer.outputs["caption"].string_val) == [b"v1:ok1", b""]
    assert len(answer.outputs["score"].float_val) == 2
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (
        "tiny",
        1,
        "serving_default",
    )


def test_outputs_are_filtered(endpoint):
    message = request(image_bytes=[b"ok"])
    message.output_filter.append("score")
    assert list(endpoint.predictions.Predict(message).outputs) == ["score"]
    message.output_filter.append("scores")
    details = refused(endpoint.predictions.Predict, message, INVALID)
    assert "`output_filter`" in details and "`scores`" in details


def test_a_signature_without_rows(endpoint):
    answer = endpoint.predictions.Predict(request("scalar", number=np.int32(4)))
    assert tf.make_ndarray(answer.outputs["double"]) == 8
    answer = endpoint.predictions.Predict(request("echo", text=b"a scalar"))
    assert tf.make_ndarray(answer.outputs["text"]).item() == b"a scalar"


def test_metadata(endpoint):
    message = get_model_metadata_pb2.GetModelMetadataRequest()
    message.model_spec.name = "tiny"
    details = refused(endpoint.predictions.GetModelMetadata, message, INVALID)
    assert "`metadata_field`" in details
    message.metadata_field.append("signature_def")
    answer = endpoint.predictions.GetModelMetadata(message)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def["answer"].inputs) == {"image_bytes", "question"}
    assert answer.model_spec.version.value == 1


def test_status(endpoint):
    message = get_model_status_pb2.GetModelStatusRequest()
    message.model_spec.name = "tiny"
    (status,) = endpoint.models.GetModelStatus(message).model_version_status
    assert status.version == 1
    assert status.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
    message.model_spec.version.value = 3
    details = refused(
        endpoint.models.GetModelStatus, message, grpc.StatusCode.NOT_FOUND
    )
    assert details == "Could not find version 3 of model tiny"


@pytest.mark.parametrize(
    "message, code, details",
    [
        (request("nope", image_bytes=[b"ok"]), INVALID, '"nope" not found'),
        (request(model="", image_bytes=[b"ok"]), INVALID, "Missing model name"),
        (
            request(model="nobody", image_bytes=[b"ok"]),
            grpc.StatusCode.NOT_FOUND,
            "Latest(nobody)",
        ),
        (request(), INVALID, "Missing: `image_bytes`. Unknown: none"),
        (request(image=[b"ok"]), INVALID, "Missing: `image_bytes`. Unknown: `image`"),
        (request(image_bytes=[1.0]), INVALID, "must be string. Received: float32"),
        (request(image_bytes=[[b"ok"]]), INVALID, "shape [None]. Received: [1, 1]"),
        (request(image_bytes=np.array([], object)), INVALID, "batch is empty"),
        (
            request("answer", image_bytes=[b"ok"], question=[b"a", b"b"]),
            INVALID,
            "the same number of rows",
        ),
    ],
)
def test_malformed_requests(endpoint, message, code, details):
    assert details in refused(endpoint.predictions.Predict, message, code)


def corrupted(**changes):
    proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum)
    proto.tensor_shape.dim.add(size=changes.pop("rows", 1))
    proto.tensor_shape.dim.add(size=2)
    proto.tensor_content = b"12345678"
    for name, value in changes.items():
        setattr(proto, name, value)
    return proto


def test_corrupted_tensors(endpoint):
    predict = endpoint.predictions.Predict
    assert predict(request("sums", pixels=corrupted())).outputs["sum"].float_val
    for changes, details in (
        ({"tensor_content": b"1234"}, "tensor parsing error: pixels"),
        ({"rows": -1}, "its shape must be known"),
        ({"dtype": 99}, "unknown dtype 99"),
    ):
        message = request("sums", pixels=corrupted(**changes))
        assert details in refused(predict, message, INVALID)
    strings = tf.make_tensor_proto([b"ok"])
    strings.tensor_shape.dim[0].size = 10**12
    message = request(image_bytes=strings)
    assert "1000000000000 values. Received: 1" in refused(predict, message, INVALID)


def test_a_billion_equal_values_are_rejected(endpoint):
    proto = tf.make_tensor_proto([[0.0, 0.0]])
    proto.tensor_content = b""
    proto.float_val.append(1.0)
    proto.tensor_shape.dim[0].size = 10**9
    details = refused(
        endpoint.predictions.Predict,
        request("sums", pixels=proto),
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    # 10**9 rows of 2 float32.
    assert "8000000000 bytes" in details


def test_a_message_too_large(endpoint):
    details = refused(
        endpoint.predictions.Predict,
        request(image_bytes=[b"x" * 100_001]),
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    assert "100000" in details


def test_labels_and_versions_are_not_mixed(endpoint):
    message = request(image_bytes=[b"ok"])
    message.model_spec.version_label = "beta"
    details = refused(endpoint.predictions.Predict, message, grpc.StatusCode.NOT_FOUND)
    assert "label: beta" in details


def test_methods_with_tf_example_are_unimplemented(endpoint):
    calls = (
        (endpoint.predictions.Classify, classification_pb2.ClassificationRequest()),
        (endpoint.predictions.Regress, regression_pb2.RegressionRequest()),
        (endpoint.predictions.MultiInference, inference_pb2.MultiInferenceRequest()),
        (
            endpoint.models.HandleReloadConfigRequest,
            model_management_pb2.ReloadConfigRequest(),
        ),
    )
    for call, message in calls:
        assert refused(call, message, grpc.StatusCode.UNIMPLEMENTED)


def test_bytes_that_are_not_a_request(endpoint):
    call = endpoint.channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        request_serializer=lambda data: data,
    )
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\xff" * 100, timeout=30)
    # The response of gRPC itself, before the server is called.
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    assert "PredictRequest" in caught.value.details()
    assert endpoint.predictions.Predict(request(image_bytes=[b"ok"]))


def test_the_clients_deadline(endpoint):
    with pytest.raises(grpc.RpcError) as caught:
        endpoint.predictions.Predict(request("slow", turns=[A_WHILE]), timeout=0.1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_client_that_disconnects_leaves_the_queue(tiny_folder):
    with RunningEndpoint(
        {"tiny": tiny_folder}, max_batch_size=1, batch_threads=1, queue_length=1
    ) as endpoint:
        busy = endpoint.predictions.Predict.future(request("slow", turns=[A_WHILE]))

        def queued():
            return endpoint.metric("mmkeras_serving_waiting_rows") == 1

        # Until the model runs; a client cannot observe that.
        time.sleep(0.2)
        waiting = endpoint.predictions.Predict.future(request(image_bytes=[b"ok"]))
        wait_until(queued)
        details = refused(
            endpoint.predictions.Predict,
            request(image_bytes=[b"ok"]),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        )
        assert "queue is full: 1 of 1" in details
        waiting.cancel()
        wait_until(lambda: not queued())
        assert endpoint.predictions.Predict(request(image_bytes=[b"ok"]))
        assert busy.result()


def test_the_servers_deadline(tiny_folder):
    with RunningEndpoint({"tiny": tiny_folder}, request_timeout=0.3) as endpoint:
        details = refused(
            endpoint.predictions.Predict,
            request("slow", turns=[A_WHILE]),
            grpc.StatusCode.DEADLINE_EXCEEDED,
        )
        assert "within 0.3 seconds" in details


def test_pending_bytes_include_the_arrays(tiny_folder):
    with RunningEndpoint(
        {"tiny": tiny_folder}, max_body_bytes=1000, max_pending_bytes=1500
    ) as endpoint:
        # 120 rows of 2 float32 are 960 bytes, encoded in about 50 bytes.
        large = tf.make_tensor_proto(np.zeros([120, 2], "float32"))
        large.tensor_content = b""
        large.float_val.append(1.0)
        assert large.ByteSize() < 100
        answer = endpoint.predictions.Predict(request("sums", pixels=large))
        assert len(answer.outputs["sum"].float_val) == 120
        two = request("two", first=large, second=large)
        details = refused(
            endpoint.predictions.Predict, two, grpc.StatusCode.RESOURCE_EXHAUSTED
        )
        assert "too many bytes" in details
        # Rejected bytes are released.
        assert endpoint.predictions.Predict(request("sums", pixels=large))
