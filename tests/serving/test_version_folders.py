import os

import pytest

from mmkeras.serving.version_folders import find_versions, folder_snapshot


def test_versions_newest_first(tmp_path):
    for name in ("1", "10", "9", "0", "01", "-3", "notes", "1.partial", ".7"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("a file")
    assert find_versions(tmp_path) == {
        10: tmp_path / "10",
        9: tmp_path / "9",
        1: tmp_path / "1",
    }


def test_a_saved_model_itself(tmp_path):
    for name, version in (("7", 7), ("mine", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_bytes(b"")
        assert find_versions(tmp_path / name) == {version: tmp_path / name}


def test_no_versions(tmp_path):
    assert find_versions(tmp_path) == {}
    assert find_versions(tmp_path / "nowhere") == {}


@pytest.fixture
def saved_model(tmp_path):
    (tmp_path / "variables").mkdir()
    for name in ("index", "data-00000-of-00002", "data-00001-of-00002"):
        (tmp_path / "variables" / f"variables.{name}").write_bytes(b"1")
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    return tmp_path


def test_a_snapshot_changes_with_a_file(saved_model):
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
def test_there_is_no_snapshot_while_a_file_is_missing(saved_model, missing):
    (saved_model / missing).unlink()
    assert folder_snapshot(saved_model) is None
    assert folder_snapshot(saved_model / "nowhere") is None
