import pytest

from mmkeras.models import CaptionerRun, VisualQARun


def test_round_trip(tmp_path):
    run = CaptionerRun(
        data="照片", output="out", epochs=3, image_size=64, trainable_encoder=True
    )
    run.to_yaml(tmp_path / "run.yaml", {"keras": "3"})
    assert CaptionerRun.from_yaml(tmp_path / "run.yaml") == run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: a\noutput: b\nepoch: 3\n", "unknown settings: epoch. The known"),
        ("data: a\n", "lacks output"),
        ("- 1\n", "not the record of a run"),
        ("a: [", "is not valid YAML"),
        ("data: a\noutput: b\nepochs: many\n", r"run\.yaml: `epochs` must be an int"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        CaptionerRun.from_yaml(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.yaml"):
        CaptionerRun.from_yaml(tmp_path / "nothing.yaml")


def test_a_rate_without_a_point_is_a_number(tmp_path):
    # PyYAML reads 2e-3 as a string.
    (tmp_path / "run.yaml").write_text("data: a\noutput: b\nlearning_rate: 2e-3\n")
    assert CaptionerRun.from_yaml(tmp_path / "run.yaml").learning_rate == 0.002


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"epochs": True}, "`epochs` must be an int"),
        ({"epochs": 1.5}, "`epochs` must be an int"),
        ({"limit": 0}, "`limit` must be at least 1"),
        ({"image_size": "96"}, "`image_size` must be int or null"),
        ({"validation_fraction": 1}, "less than 1"),
        ({"dropout": -0.1}, "`dropout` must be at least 0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be greater than 0"),
        ({"lora_rank": 0}, "`lora_rank` must be at least 1"),
        ({"lora_rank": 4}, "Give its `preset`"),
        (
            {"lora_rank": 4, "preset": "p", "unfreeze_layers": 2},
            "freezes the weights that `unfreeze_layers` is about",
        ),
        (
            {"lora_rank": 4, "preset": "p", "encoder_rate": 0.1},
            "freezes the weights that `encoder_rate` is about",
        ),
        ({"learning_rate": float("nan")}, "`learning_rate` must .*nan"),
    ],
)
def test_bad_settings(setting, message):
    with pytest.raises(ValueError, match=message):
        CaptionerRun(data="data", output="output", **setting)


def test_the_model_of_a_preset_is_not_changed():
    with pytest.raises(ValueError, match="preset='mine', hidden_dim=64"):
        CaptionerRun(data="a", output="b", preset="mine", hidden_dim=64)
    assert CaptionerRun(data="a", output="b", preset="mine", epochs=2).epochs == 2


def test_arguments_by_role():
    run = CaptionerRun(
        data="a", output="b", captions="c.csv", hidden_dim=64, encoder_rate=0.5
    )
    assert run.arguments("data") == {"images": None, "captions": "c.csv"}
    assert run.arguments("compile") == {
        "learning_rate": None,
        "captions_per_image": 1,
        "learning_rate_factors": {"image_encoder": 0.5},
    }
    model = run.arguments("model")
    assert (model["hidden_dim"], model["sequence_length"]) == (64, None)
    assert not {"epochs", "encoder_rate", "captions"} & set(model)


def test_dropouts_of_modalities():
    run = VisualQARun(data="a", output="b", image_dropout=0.2, text_dropout=0.0)
    model = run.arguments("model")
    assert model["modality_dropout"] == {"image": 0.2, "text": 0.0}
    assert not {"image_dropout", "text_dropout"} & set(model)
