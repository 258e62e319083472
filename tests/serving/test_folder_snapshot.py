import os

import pytest

from mmkeras.serving.folder_snapshot import folder_snapshot


@pytest.fixture
def saved_model(tmp_path):
    (tmp_path / "variables").mkdir()
    for name in ("index", "data-00000-of-00002", "data-00001-of-00002"):
        (tmp_path / "variables" / f"variables.{name}").write_bytes(b"1")
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    return tmp_path


def test_it_is_the_same_until_a_file_changes(saved_model):
    before = folder_snapshot(saved_model)
    assert before and before == folder_snapshot(saved_model)
    (saved_model / "saved_model.pb").write_bytes(b"graphs")
    longer = folder_snapshot(saved_model)
    assert longer != before
    os.utime(saved_model / "saved_model.pb", ns=(1, 1))
    assert folder_snapshot(saved_model) != longer
    (saved_model / "fingerprint.pb").write_bytes(b"")
    assert len(folder_snapshot(saved_model)) == len(before) + 1


@pytest.mark.parametrize(
    "missing",
    [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00002",
        "variables/variables.data-00001-of-00002",
    ],
)
def test_there_is_none_while_a_file_is_missing(saved_model, missing):
    (saved_model / missing).unlink()
    assert folder_snapshot(saved_model) is None
    assert folder_snapshot(saved_model / "nowhere") is None
