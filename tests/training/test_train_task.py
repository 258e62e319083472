import json

from mmkeras.training.train_task import _HistoryFile


def write(path, epochs):
    """A run from a first epoch on, with the logs of each."""
    history = _HistoryFile(path)
    history.on_train_begin()
    for epoch, logs in epochs.items():
        history.on_epoch_end(epoch, logs)
    return json.loads(path.read_text())


def test_a_resumed_run_keeps_the_epochs_before(tmp_path):
    path = tmp_path / "history.json"
    assert write(path, {0: {"loss": 3}, 1: {"loss": 2}}) == {"loss": [3.0, 2.0]}
    # The backup is of the first epoch: the second is done again.
    assert write(path, {1: {"loss": 1}}) == {"loss": [3.0, 1.0]}


def test_a_new_metric_is_null_for_the_epochs_before(tmp_path):
    path = tmp_path / "history.json"
    write(path, {0: {"loss": 3}, 1: {"loss": 2}})
    assert write(path, {2: {"loss": 1, "skipped_images": 4}}) == {
        "loss": [3.0, 2.0, 1.0],
        "skipped_images": [None, None, 4.0],
    }
    write(path, {3: {"loss": 1}})
    columns = write(path, {4: {"loss": 1, "skipped_images": 5}})
    assert columns["skipped_images"] == [None, None, 4.0, None, 5.0]
