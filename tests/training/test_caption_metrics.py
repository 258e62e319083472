import json
import types

import pytest
import tensorflow as tf

from mmkeras.cli.main import main
from mmkeras.data.formats import write_caption_results
from mmkeras.metrics import evaluate_captions
from mmkeras.training import CaptionMetrics, scene_hallucination
from tests.conftest import tiny_rows, to_dataset


class Parrot:
    """Answers with one caption; what of a captioner the callback uses."""

    distribute_strategy = tf.distribute.get_strategy()

    class preprocessor:
        class image_converter:
            @staticmethod
            def convert(images):
                return images, tf.fill([len(images)], "")

    def generate(self, images, **options):
        return ["there is a red circle"] * len(images)


@pytest.fixture(scope="module")
def rows():
    return tiny_rows(5)


def test_callback_logs_the_official_scores(rows):
    callback = CaptionMetrics(to_dataset(rows), every=2, batch_size=2)
    callback.set_model(Parrot())
    logs: dict = {}
    callback.on_epoch_end(0, logs)
    assert logs == {}
    callback.on_epoch_end(1, logs)
    expected = evaluate_captions(
        {row["image_id"]: row["captions"] for row in rows},
        {row["image_id"]: "there is a red circle" for row in rows},
        ["BLEU-4", "ROUGE_L", "CIDEr-D"],
    )
    assert logs == {f"val_{name}": value for name, value in expected.items()}
    counted = callback._references
    callback.on_epoch_end(3, logs)
    assert callback._references is counted


def test_only_the_chief_writes_captions(rows):
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": ["a:1", "b:1"]}), task_type="worker", task_id=1
    )
    captioner, logs = Parrot(), {}
    captioner.distribute_strategy = types.SimpleNamespace(cluster_resolver=resolver)
    callback = CaptionMetrics(to_dataset(rows))
    callback.set_model(captioner)
    callback.on_epoch_end(0, logs)
    assert logs == {}
    resolver.task_id = 0
    callback.on_epoch_end(0, logs)
    assert "val_CIDEr-D" in logs


def test_hallucination_of_scenes(rows):
    captions = {row["image_id"]: row["captions"][0] for row in rows}
    scenes = {row["image_id"]: row["scene"] for row in rows}
    assert scene_hallucination(captions, scenes) == {"CHAIRi": 0, "CHAIRs": 0}


def test_command_on_files(tmp_path, capsys):
    data = {
        "images": [{"id": 1}, {"id": 2}],
        "annotations": [
            {"image_id": 1, "caption": "A dog runs."},
            {"image_id": 2, "caption": "A cat sits."},
        ],
    }
    references = tmp_path / "captions.json"
    references.write_text(json.dumps(data))
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    write_caption_results({1: "a dog runs", 2: "a cat sits"}, good)
    write_caption_results({1: "a dog", 2: "a bird"}, bad)
    told = ["--references", str(references), "--against", str(bad)]
    report = ["--report", str(tmp_path / "report.html")]
    report += ["--train-references", str(references)]
    assert main(["evaluate", str(good), *told, *report]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["BLEU-2"] == pytest.approx(1)
    assert results["against"]["ROUGE_L"]["difference"] > 0
    assert "<th>copied</th><td>1.0000</td>" in (tmp_path / "report.html").read_text()
    assert main(["evaluate", str(good)]) == 2
    assert "--references" in capsys.readouterr().err
    write_caption_results({1: "a dog"}, bad)
    assert main(["evaluate", str(bad), "--references", str(references)]) == 2
    assert "without a caption" in capsys.readouterr().err
