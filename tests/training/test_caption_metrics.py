import types

import pytest
import tensorflow as tf

from mmkeras.metrics import evaluate_captions
from mmkeras.models import task_specs
from mmkeras.preprocessing import ImageConverter
from mmkeras.preprocessing.images.image_modality import ImageModality
from mmkeras.training import CaptionMetrics
from tests.conftest import tiny_rows, to_dataset


class Parrot:
    """A captioner that always writes the same caption."""

    spec = task_specs()["captioner"]
    preprocessor = types.SimpleNamespace(modalities=(ImageModality(ImageConverter(8)),))
    distribute_strategy = tf.distribute.get_strategy()

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
