import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from mmkeras.export import export_saved_model
from mmkeras.export.write_warmup_requests import write_warmup_requests
from tests.export.plain_task import PlainTask


def requests(path):
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    records = [record.numpy() for record in tf.data.TFRecordDataset([str(file)])]
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    return [log.predict_log.request for log in logs]


@pytest.mark.parametrize("name", ["captioner", "vqa"])
def test_each_signature_of_a_version_is_warmed_up(name, presets):
    path = presets.saved_model(name)
    model = tf.saved_model.load(str(path))
    asked = requests(path)
    assert {request.model_spec.name for request in asked} == {name}
    names = [request.model_spec.signature_name for request in asked]
    assert sorted(names) == sorted(model.signatures)
    for request in asked:
        inputs = {name: tf.make_ndarray(row) for name, row in request.inputs.items()}
        found = model.signatures[request.model_spec.signature_name](
            **{name: tf.constant(row, tf.string) for name, row in inputs.items()}
        )
        # The image is read, and the question is not blank.
        assert found["error"].numpy().tolist() == [b""]


def test_a_folder_that_is_no_version_is_not_warmed_up(tmp_path):
    export_saved_model(PlainTask(), tmp_path / "mine")
    assert not (tmp_path / "mine" / "assets.extra").exists()
    export_saved_model(PlainTask(), tmp_path / "mine" / "3")
    (request,) = requests(tmp_path / "mine" / "3")
    assert sorted(request.inputs) == ["image_bytes", "question"]


def test_inputs_other_than_strings(tmp_path):
    inputs = {"serving_default": [tf.TensorSpec([None], tf.float32, name="pixels")]}
    with pytest.raises(ValueError, match=r"Received: pixels of float32 \(None,\)"):
        write_warmup_requests(tmp_path, "mine", inputs)
