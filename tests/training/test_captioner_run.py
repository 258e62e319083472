import pytest

from mmkeras.training import CaptionerRun


def test_round_trip(tmp_path):
    run = CaptionerRun("photos", "out", epochs=3, image_size=64)
    run.to_yaml(tmp_path / "run.yaml", {"keras": "3"})
    assert CaptionerRun.from_yaml(tmp_path / "run.yaml") == run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: a\noutput: b\nepoch: 3\n", "epoch"),
        ("data: a\n", "does not say output"),
        ("- 1\n", "not the record of a run"),
        ("a: [", "is not YAML"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        CaptionerRun.from_yaml(path)
    with pytest.raises(FileNotFoundError, match="nothing.yaml"):
        CaptionerRun.from_yaml(tmp_path / "nothing.yaml")
