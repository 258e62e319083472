import pytest
import tensorflow as tf

from mmkeras.data import load
from mmkeras.data.sources.load import _to_sample
from mmkeras.datasets import EmojiScenes, EmojiScenesConfig, Scene, judge_caption


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    config = EmojiScenesConfig(
        name="tiny", concepts="shapes", train_scenes=20, test_scenes=5, image_size=32
    )
    made = EmojiScenes(config=config, data_dir=tmp_path_factory.mktemp("tfds"))
    made.download_and_prepare()
    return made


def test_the_builder_writes_its_splits(builder):
    sizes = {name: split.num_examples for name, split in builder.info.splits.items()}
    assert sizes == {
        "train": 20,
        "validation": 5,
        "test": 5,
        "test_unseen_pairs": 5,
    }
    for sample in builder.as_dataset(split="train"):
        assert sample["image"].shape == (32, 32, 3)
        scene = Scene.from_json(sample["scene"].numpy())
        for caption in sample["captions"].numpy():
            assert judge_caption(caption.decode(), scene)
        assert len(sample["question"]) == len(sample["answer"]) >= 3


def test_load_accepts_a_tuple_and_keeps_images_encoded(builder, monkeypatch):
    import tensorflow_datasets as tfds

    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: builder)
    train, test = load("emoji_scenes/tiny", split=("train", "test[:2]"))
    assert (int(train.cardinality()), int(test.cardinality())) == (20, 2)
    sample = next(iter(train))
    assert sample["image"].dtype == tf.string
    with pytest.raises(ValueError, match="no split 'dev'.*test_unseen_pairs"):
        load("emoji_scenes/tiny", split="dev")


def test_unknown_names():
    with pytest.raises(ValueError, match="Did you mean emoji_scenes"):
        load("emoji_scene")
    with pytest.raises(ValueError, match="small_zh"):
        load("emoji_scenes/medium")
    for name in ("", "a b"):
        with pytest.raises(ValueError, match="is not the name of a dataset"):
            load(name)
    with pytest.raises(ValueError, match="only: 1.0.0"):
        load("emoji_scenes:9.9.9")


class Unreachable:
    """A builder of TFDS on a machine without the internet."""

    data_dir = "/data"

    def __init__(self, error):
        self.error = error

    def download_and_prepare(self, download_config):
        raise self.error


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        (OSError("no route"), ConnectionError, "'coco' has .* no route.*copy .* /data"),
        (AssertionError("get it by hand"), ValueError, "prepared: get it by hand"),
    ],
)
def test_data_that_cannot_be_downloaded(monkeypatch, failure, error, message):
    monkeypatch.setattr(
        "tensorflow_datasets.builder", lambda name, data_dir: Unreachable(failure)
    )
    with pytest.raises(error, match=message):
        load("coco")


def test_hubs_that_cannot_be_reached(monkeypatch):
    def builder(name, data_dir):
        raise RuntimeError("name or service not known")

    monkeypatch.setattr("tensorflow_datasets.builder", builder)
    with pytest.raises(ConnectionError, match="hub 'huggingface'.*not known"):
        load("huggingface:coco")
    with pytest.raises(RuntimeError):
        load("coco")


def test_clevr_has_the_keys_of_questions():
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data():
        spec = load("clevr").element_spec
    strings = tf.TensorSpec([None], tf.string)
    assert (spec["question"], spec["answer"]) == (strings, strings)
    assert spec["image"] == spec["image_id"] == tf.TensorSpec([], tf.string)
    assert not {"question_answer", "file_name"} & spec.keys()


def test_clevr_sample():
    pairs = {"question": tf.constant(["How many?", "Any?"]), "answer": ["2", "no"]}
    sample = _to_sample({"file_name": tf.constant("a.png"), "question_answer": pairs})
    assert sample["question"] is pairs["question"]
    assert sample["answer"] == ["2", "no"]
    assert sample["image_id"] == "a.png"
    assert len(sample) == 3


def test_a_single_question_is_unchanged():
    question = {"question": tf.constant("what?"), "answers": tf.constant(["a", "b"])}
    assert all(_to_sample(question)[key] is question[key] for key in question)
