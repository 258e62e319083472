import dataclasses

import pytest
import tensorflow as tf

from mmkeras.arguments import setting
from mmkeras.models import ImageRun, Run

pytestmark = pytest.mark.fast


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaggerRun(Run):
    tags: str | None = setting(None, "table of tags", role="data")
    hidden_dim: int = setting(16, "dimension", minimum=1, role="model")

    @classmethod
    def load_data(cls, data, *, split="train", validation_fraction=None, **arguments):
        found = tf.data.Dataset.range(10)
        loaded.append((data, split, validation_fraction, arguments))
        return found if validation_fraction is None else (found, found.take(2))


loaded: list[tuple] = []


def test_splits():
    loaded.clear()
    train, validation = TaggerRun(data="d", output="o", tags="t", seed=3).splits()
    assert (int(train.cardinality()), int(validation.cardinality())) == (10, 2)
    run = TaggerRun(data="d", output="o", validation_fraction=0, limit=4)
    train, validation = run.splits()
    assert int(train.cardinality()) == 4 and validation is None
    assert loaded == [
        ("d", "train", 0.1, {"seed": 3, "tags": "t"}),
        ("d", "train", None, {"seed": 0, "tags": None}),
    ]


def test_a_run_must_load_its_data():
    with pytest.raises(TypeError, match="Run must override `load_data`"):
        Run(data="d", output="o").splits()


def test_names_and_roles():
    assert TaggerRun.names()[:2] == ["data", "output"]
    assert {"tags", "hidden_dim", "epochs"} <= set(TaggerRun.names())
    run = TaggerRun(data="d", output="o", hidden_dim=8, learning_rate=0.1)
    assert run.arguments("data") == {"tags": None}
    assert run.arguments("model") == {"hidden_dim": 8}
    assert run.arguments("compile") == {"learning_rate": 0.1}


def test_a_preset_brings_its_model():
    with pytest.raises(ValueError, match="preset='p', hidden_dim=8"):
        TaggerRun(data="d", output="o", preset="p", hidden_dim=8)
    assert TaggerRun(data="d", output="o", preset="p", tags="t", lora_rank=2)
    with pytest.raises(ValueError, match="give its `preset`. .*lora_rank=2, preset=No"):
        TaggerRun(data="d", output="o", lora_rank=2)


@pytest.mark.parametrize(
    ("name", "value"), [("unfreeze_layers", 2), ("encoder_rate", 0.1)]
)
def test_lora_freezes_the_image_encoder(name, value):
    with pytest.raises(ValueError, match=f"the weights that `{name}` is about"):
        ImageRun(data="d", output="o", preset="p", lora_rank=4, **{name: value})


def test_the_rate_of_the_image_encoder_is_a_factor():
    run = ImageRun(data="d", output="o", encoder_rate=0.5)
    assert run.arguments("compile")["learning_rate_factors"] == {"image_encoder": 0.5}
    assert "learning_rate_factors" not in ImageRun(data="d", output="o").arguments(
        "compile"
    )


def test_record(tmp_path):
    path = tmp_path / "run.yaml"
    run = TaggerRun(data="照片", output="o", learning_rate=2e-3, limit=7)
    run.to_yaml(path, {"keras": "3"})
    assert "keras: '3'" in path.read_text("utf-8") and "照片" in path.read_text("utf-8")
    assert TaggerRun.from_yaml(path) == run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: a\noutput: b\nepoch: 3\n", "unknown settings: epoch. The known ones"),
        ("data: a\n", "run.yaml lacks output"),
        ("limit: 3\n", "run.yaml lacks data and output"),
        ("- 1\n", "not the record of a run"),
        ("a: [", "is not valid YAML"),
        ("data: a\noutput: b\nepochs: many\n", r"run\.yaml: `epochs` must be an int"),
    ],
)
def test_bad_records(tmp_path, text, message):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        TaggerRun.from_yaml(path)


def test_a_missing_record(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.yaml does not exist"):
        TaggerRun.from_yaml(tmp_path / "nothing.yaml")


def test_a_rate_without_a_point_is_a_number(tmp_path):
    # PyYAML reads 2e-3 as a string.
    (tmp_path / "run.yaml").write_text("data: a\noutput: b\nlearning_rate: 2e-3\n")
    assert TaggerRun.from_yaml(tmp_path / "run.yaml").learning_rate == 0.002
