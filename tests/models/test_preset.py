import json
import shutil

import keras_hub
import pytest

from mmkeras.models import ImageCaptioner, Task, VisualQA
from mmkeras.models.preset import (
    FORMAT,
    check_preset,
    preset_format,
    read_json,
    task_of_preset,
)
from mmkeras.models.update_preset import update_preset


@pytest.fixture
def preset(presets, tmp_path):
    """A copy of the preset of a trained captioner, to be changed."""
    return shutil.copytree(presets.path("captioner"), tmp_path / "preset")


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_class_of_a_preset_is_found(presets, captioner):
    assert task_of_preset(presets.path("captioner")) is ImageCaptioner
    assert task_of_preset(presets.path("vqa")) is VisualQA
    assert preset_format(presets.path("vqa")) == FORMAT
    assert type(captioner) is ImageCaptioner


@pytest.mark.parametrize("name", ["config.json", "task.json", "preprocessor.json"])
def test_broken_configurations(preset, name):
    (preset / name).write_text((preset / name).read_text()[:100])
    with pytest.raises(ValueError, match=f"{name} is not valid JSON"):
        ImageCaptioner.from_preset(preset)


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "task.json",
        "preprocessor.json",
        "model.weights.h5",
        "assets/tokenizer/vocabulary.txt",
    ],
)
def test_missing_files(preset, name):
    (preset / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"has no file {name}"):
        ImageCaptioner.from_preset(preset)


def test_broken_weights_and_vocabulary(preset):
    weights = preset / "model.weights.h5"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        ValueError, match="model.weights.h5 cannot be read: the file is"
    ):
        ImageCaptioner.from_preset(preset)
    weights.write_bytes(content)
    vocabulary = preset / "assets" / "tokenizer" / "vocabulary.txt"
    vocabulary.write_bytes(vocabulary.read_bytes()[:40])
    with pytest.raises(ValueError, match="vocabulary.txt"):
        ImageCaptioner.from_preset(preset)


def test_a_missing_folder(tmp_path):
    for task in (Task, ImageCaptioner):
        with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
            task.from_preset(tmp_path / "nowhere")


def test_a_preset_of_another_task(presets):
    path = presets.path("vqa")
    message = f"holds the task VisualQA, not ImageCaptioner.*mmkeras ask {path} IMAGE"
    with pytest.raises(ValueError, match=message):
        ImageCaptioner.from_preset(path)


def test_a_preset_of_an_unknown_task(preset):
    rewrite(preset / "task.json", class_name="ImageTagger", registered_name="p>Tagger")
    with pytest.raises(
        ValueError, match="holds the task ImageTagger, not ImageCaptioner.$"
    ):
        ImageCaptioner.from_preset(preset)
    with pytest.raises(ValueError, match="task.json holds ImageTagger") as error:
        Task.from_preset(preset)
    # What was looked for, in this order.
    message = str(error.value)
    places = [
        message.index(place)
        for place in (
            "tasks of mmkeras (ImageCaptioner, VisualQA, GenerativeVisualQA)",
            "of plugins (none is installed)",
            "of KerasHub",
        )
    ]
    assert places == sorted(places)


def test_a_folder_of_a_model_of_hugging_face(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "blip"}')
    message = "there is no task.json, config.json is of a blip model"
    with pytest.raises(ValueError, match=message):
        Task.from_preset(tmp_path)


def test_a_folder_of_keras_hub(tmp_path):
    backbone = keras_hub.models.BertBackbone(7, 1, 2, 8, 16, max_sequence_length=8)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dog", "cat"]
    tokenizer = keras_hub.models.BertTokenizer(pieces)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, 8)
    classifier = keras_hub.models.BertTextClassifier(backbone, 2, preprocessor)
    classifier.save_to_preset(str(tmp_path))
    assert task_of_preset(tmp_path) is keras_hub.models.BertTextClassifier
    loaded = Task.from_preset(tmp_path)
    assert type(loaded) is keras_hub.models.BertTextClassifier
    assert loaded.predict(["dog"], verbose=0).shape == (1, 2)


def test_other_formats_name_the_command(preset):
    rewrite(preset / "mmkeras.json", format=FORMAT + 1)
    message = f"format {FORMAT + 1}, .* reads format {FORMAT}. Update mmkeras: pip"
    with pytest.raises(ValueError, match=message):
        ImageCaptioner.from_preset(preset)
    with pytest.raises(ValueError, match=f"newer format {FORMAT + 1}. Update mmkeras"):
        update_preset(preset)
    (preset / "mmkeras.json").unlink()
    assert preset_format(preset) == 1
    with pytest.raises(ValueError, match=f"Update it: mmkeras update {preset}"):
        ImageCaptioner.from_preset(preset)


def test_check_preset_and_assets(preset):
    check_preset(preset, ImageCaptioner, ["assets/tokenizer/vocabulary.txt"])
    with pytest.raises(FileNotFoundError, match="has no file assets/labels.txt"):
        check_preset(preset, ImageCaptioner, ["assets/labels.txt"])


def aged(value, without=()):
    """A configuration in format 1, perhaps without some options of the backbone."""
    if isinstance(value, list):
        return [aged(one, without) for one in value]
    if not isinstance(value, dict):
        return value
    value = {key: aged(one, without) for key, one in value.items()}
    if value.get("class_name") == "ImageCaptionerBackbone":
        config = value["config"]
        config["max_length"] = config.pop("sequence_length")
        value["config"] = {k: v for k, v in config.items() if k not in without}
    return value


def age(preset, without=()):
    for name in ("config.json", "task.json"):
        config = read_json(preset / name)
        (preset / name).write_text(json.dumps(aged(config, without)))
    (preset / "mmkeras.json").unlink()


def test_update_from_format_1(preset):
    assert not update_preset(preset)
    weights = (preset / "model.weights.h5").read_bytes()
    wanted = {name: read_json(preset / name) for name in ("config.json", "task.json")}
    age(preset)
    assert "sequence_length" not in read_json(preset / "config.json")["config"]
    assert update_preset(preset) and not update_preset(preset)
    assert {name: read_json(preset / name) for name in wanted} == wanted
    assert (preset / "model.weights.h5").read_bytes() == weights
    assert type(Task.from_preset(preset)) is ImageCaptioner


def test_update_adds_missing_options(preset):
    age(preset, without=("word_attention", "word_context"))
    assert update_preset(preset)
    config = read_json(preset / "config.json")["config"]
    assert config["word_attention"] is config["word_context"] is False


def test_what_cannot_be_updated(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        update_preset(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="it has no task.json"):
        update_preset(tmp_path)
