import re

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from mmkeras.export import export_saved_model
from mmkeras.export.write_serving_config import write_serving_config
from tests.export.plain_task import PlainTask


def models(folder):
    text = (folder / "models.config").read_text("utf-8")
    config = model_server_config_pb2.ModelServerConfig()
    (model,) = text_format.Parse(text, config).model_config_list.config
    return model


def test_what_tf_serving_reads(tmp_path):
    folder = tmp_path / "说明"
    write_serving_config(folder)
    model = models(folder)
    assert (model.name, model.base_path) == ("说明", "/models/说明")
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1
    batching = (folder / "batching.config").read_text("utf-8")
    fields = re.findall(r"^(\w+) \{ value: (\w+) \}$", batching, re.M)
    assert fields == [
        ("max_batch_size", "1024"),
        ("max_execution_batch_size", "32"),
        ("enable_large_batch_splitting", "true"),
        ("batch_timeout_micros", "5000"),
        ("num_batch_threads", "4"),
        ("max_enqueued_batches", "100"),
    ]


def test_what_was_edited_is_kept(tmp_path):
    write_serving_config(tmp_path)
    # The same again changes nothing.
    write_serving_config(tmp_path)
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 }")
    with pytest.raises(FileExistsError, match="batching.config exists with other"):
        write_serving_config(tmp_path)
    (tmp_path / "models.config").unlink()
    with pytest.raises(FileExistsError, match="batching.config exists with other"):
        write_serving_config(tmp_path)
    # Nothing is written then.
    assert not (tmp_path / "models.config").exists()
    write_serving_config(tmp_path, "/elsewhere", overwrite=True)
    assert models(tmp_path).base_path == "/elsewhere"
    assert "32" in (tmp_path / "batching.config").read_text()
    assert len(list(tmp_path.iterdir())) == 2


def test_an_export_with_its_configuration(tmp_path):
    task, folder = PlainTask(), tmp_path / "captioner"
    with pytest.raises(ValueError, match="version number.*path='.*captioner'"):
        export_saved_model(task, folder, serving_config=True)
    export_saved_model(task, folder / "1", serving_config=True)
    names = sorted(item.name for item in folder.iterdir())
    assert names == ["1", "batching.config", "models.config"]
    assert models(folder).base_path == "/models/captioner"
    (folder / "models.config").write_text("# mine")
    with pytest.raises(FileExistsError, match="models.config"):
        export_saved_model(task, folder / "2", serving_config="/srv/captioner")
    assert not (folder / "2").exists()
    export_saved_model(
        task, folder / "1", serving_config="/srv/captioner", overwrite=True
    )
    assert models(folder).base_path == "/srv/captioner"
