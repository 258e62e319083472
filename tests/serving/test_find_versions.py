from mmkeras.serving.find_versions import find_versions


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


def test_nothing(tmp_path):
    assert find_versions(tmp_path) == {}
    assert find_versions(tmp_path / "nowhere") == {}
