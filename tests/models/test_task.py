import pytest
import tensorflow as tf

from mmkeras.models import VisualQA
from tests.conftest import SIDE


@pytest.fixture(scope="module")
def vqa(dataset):
    vqa = VisualQA.from_data(
        dataset, image_size=SIDE, hidden_dim=16, num_encoder_layers=0, fusion="gated"
    )
    # A schedule would be traced anew for each `fit`.
    vqa.compile("adam")
    return vqa


def test_a_dataset_is_set_up_once_for_all_epochs(vqa, dataset, monkeypatch):
    started = []
    iterate = tf.data.Dataset.__iter__

    def counted(data):
        started.append(data)
        return iterate(data)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", counted)
    numbers = []
    for epochs in (1, 3):
        started.clear()
        vqa.fit(dataset.take(8), epochs=epochs, batch_size=4, verbose=0)
        numbers.append(len(started))
    assert numbers[0] == numbers[1]


def test_an_epoch_ends_where_the_dataset_does(vqa, dataset):
    before = int(vqa.optimizer.iterations.numpy())
    # 7 in batches of 3: the last one is not filled up from the next epoch.
    data = dataset.take(7)
    history = vqa.fit(data, epochs=2, batch_size=3, verbose=0)
    assert history.params["steps"] == 3
    assert int(vqa.optimizer.iterations.numpy()) - before == 6
