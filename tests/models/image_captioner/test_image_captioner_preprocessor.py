import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import ImageCaptionerPreprocessor
from mmkeras.preprocessing import ImageConverter, WordPieceTokenizer
from tests.preprocessing.images.wild_images import noise, png

pytestmark = pytest.mark.fast

# The ids of the letters a to f are 4 to 9.
VOCABULARY = ["[PAD]", "[UNK]", "[START]", "[END]", *"abcdef"]
IMAGES = [png(noise(seed=i)) for i in range(3)]
# Shared, since each one traces the decoding of images again.
CONVERTER = ImageConverter(8)


def make(sequence_length=4, **kwargs):
    return ImageCaptionerPreprocessor(
        CONVERTER, WordPieceTokenizer(VOCABULARY), sequence_length, **kwargs
    )


def captioned(captions):
    return tf.data.Dataset.from_tensor_slices(
        {
            "image": IMAGES,
            "image_id": ["x", "y", "z"],
            "captions": tf.ragged.constant(captions),
        }
    )


def test_packing_by_hand():
    x, y, weights = make()({"image": IMAGES, "caption": ["a", "a b c", "a b c d e"]})
    # "a b c" fills 4 places with its [END]; "a b c d e" is cut after 4 targets and
    # has no [END].
    assert x["token_ids"].numpy().tolist() == [[2, 4, 0, 0], [2, 4, 5, 6], [2, 4, 5, 6]]
    assert y.numpy().tolist() == [[4, 3, 0, 0], [4, 5, 6, 3], [4, 5, 6, 7]]
    assert weights.numpy().tolist() == [[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert x["token_ids"].dtype == y.dtype == tf.int32
    assert weights.dtype == x["images"].dtype == tf.float32
    np.testing.assert_array_equal(x["images"], CONVERTER(IMAGES))


def test_sample_weight_multiplies():
    x = {"image": IMAGES[:2], "caption": ["a", "b c"]}
    _, _, weights = make()(x, sample_weight=[0.5, 2.0])
    assert weights.numpy().tolist() == [[0.5, 0.5, 0, 0], [2, 2, 2, 0]]


def test_pixels_and_features():
    pixels = np.stack([noise(seed=i) for i in range(3)])
    captions = {"caption": ["a", "b", "c"]}
    from_bytes, _, _ = make()({"image": IMAGES, **captions})
    from_pixels, _, _ = make()({"image": pixels, **captions})
    np.testing.assert_array_equal(from_bytes["images"], from_pixels["images"])
    features = tf.ones([3, 5, 6])
    x, _, _ = make()({"image_features": features, "image": IMAGES, **captions})
    assert sorted(x) == ["image_features", "token_ids"]
    np.testing.assert_array_equal(x["image_features"], features)


def test_static_shapes_in_a_dataset():
    dataset = captioned([["a", "b"], ["c"], ["d"]]).ragged_batch(2)
    x, y, weights = dataset.map(make()).element_spec
    assert x["images"].shape.as_list() == [None, 8, 8, 3]
    for spec in (x["token_ids"], y, weights):
        assert spec.shape.as_list() == [None, 4]


@pytest.mark.parametrize("padded", [False, True])
def test_draws_reach_every_caption_and_never_an_empty_one(padded):
    captions = [["", "a", "b"], ["c"], ["d", " ", "e", "f"]]
    ragged = tf.ragged.constant(captions)
    x = {"captions": ragged.to_tensor("") if padded else ragged}
    preprocessor = make(seed=1)
    draws = {tuple(preprocessor.draw_caption(x).numpy().tolist()) for _ in range(100)}
    # 2 captions of the first row, 1 of the second, 3 of the third.
    assert draws == {(a, b"c", c) for a in (b"a", b"b") for c in (b"d", b"e", b"f")}


def test_seed_repeats_the_draws():
    x = {"captions": tf.ragged.constant([list("abcdef")] * 8)}

    def draws(seed):
        preprocessor = make(seed=seed)
        return [preprocessor.draw_caption(x).numpy().tolist() for _ in range(3)]

    assert draws(5) == draws(5) != draws(6)
    assert draws(5)[0] != draws(5)[1]
    keras.utils.set_random_seed(0)
    first = draws(None)
    keras.utils.set_random_seed(0)
    assert draws(None) == first


def test_every_pass_over_a_dataset_draws_again():
    keras.utils.set_random_seed(0)
    dataset = captioned([list("abcdef")] * 3).ragged_batch(3).map(make(seed=3))
    passes = {tuple(next(iter(dataset))[1][:, 0].numpy()) for _ in range(6)}
    assert len(passes) > 1


@pytest.mark.parametrize("batched", [False, True])
def test_draw_captions_repeats_by_seed_and_differs_by_pass(batched):
    samples = captioned([list("abcdef")] * 3).repeat(4)
    samples = samples.ragged_batch(5) if batched else samples

    def passes(seed):
        dataset = make().draw_captions(samples, seed)
        assert "captions" not in dataset.element_spec
        dataset = dataset if batched else dataset.batch(5)
        dataset = dataset.map(lambda x: x["caption"], num_parallel_calls=4)
        return [np.concatenate(list(dataset)).tolist() for _ in range(2)]

    first, second = passes(1)
    assert len(first) == 12 and first != second
    assert [first, second] == passes(1) != passes(2)


@pytest.mark.parametrize("batched", [False, True])
def test_all_captions(batched):
    samples = captioned([["a", ""], ["b", "c", "d"], ["e"]])
    samples = samples.ragged_batch(2) if batched else samples
    expanded = list(make().all_captions(samples).as_numpy_iterator())
    pairs = [(row["image_id"], row["caption"]) for row in expanded]
    assert pairs == [
        (b"x", b"a"),
        (b"y", b"b"),
        (b"y", b"c"),
        (b"y", b"d"),
        (b"z", b"e"),
    ]
    assert expanded[1]["image"] == IMAGES[1]


def test_single_captions_pass_through():
    dataset = tf.data.Dataset.from_tensor_slices({"caption": ["a"]})
    assert make().all_captions(dataset) is dataset
    assert make().draw_captions(dataset) is dataset


def test_bad_image_names_its_id():
    x = {
        "image": [IMAGES[0], IMAGES[1][:50], b""],
        "image_id": ["good.png", "half.png", "none.png"],
        "caption": ["a", "b", "c"],
    }
    message = (
        "2 of the images cannot be used: image_id half.png: corrupt or truncated PNG "
        "data; image_id none.png: empty image. Replace or remove them"
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        make()(x)
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(3).map(make())
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        next(iter(dataset))


def test_missing_caption_names_its_id():
    dataset = captioned([["a"], [""], ["b"]]).ragged_batch(3)
    for mapped in (dataset.map(make()), make().draw_captions(dataset)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="image_id y"):
            list(mapped)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"image": IMAGES}, "must have the key 'captions'"),
        ({"caption": ["a"]}, "must have the key 'image'"),
        ({"image": IMAGES, "captions": ["a", "b", "c"]}, "Batch the dataset first"),
    ],
)
def test_incomplete_samples(x, message):
    with pytest.raises(ValueError, match=message):
        make()(x)


def test_labels_and_short_sequences_are_refused():
    with pytest.raises(ValueError, match="`y` is made from the captions"):
        make()({"image": IMAGES, "caption": ["a"] * 3}, [1, 2, 3])
    with pytest.raises(ValueError, match="sequence_length"):
        make(sequence_length=1)
    with pytest.raises(ValueError, match="must have the key 'captions'"):
        make().all_captions(tf.data.Dataset.from_tensor_slices({"image": IMAGES}))
    with pytest.raises(ValueError, match="samples as dicts"):
        make().draw_captions(tf.data.Dataset.range(3))


def test_generation():
    texts = make().generate_postprocess([[2, 4, 5, 3, 9]])
    assert texts.numpy().tolist() == [b"a b"]


def test_preset_round_trip(tmp_path):
    preprocessor = make(sequence_length=5, seed=2)
    preprocessor.save_to_preset(str(tmp_path))
    copy = ImageCaptionerPreprocessor.from_preset(tmp_path)
    assert copy.get_config() == preprocessor.get_config()
    assert copy.tokenizer.get_vocabulary() == VOCABULARY
    sample = {"image": IMAGES, "caption": ["a", "b c", "d e f"]}
    for ours, theirs in zip(
        keras.tree.flatten(preprocessor(sample)),
        keras.tree.flatten(copy(sample)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    longer = ImageCaptionerPreprocessor.from_preset(tmp_path, sequence_length=9)
    assert longer.sequence_length == 9


def test_corrupted_presets(tmp_path):
    make().save_to_preset(str(tmp_path))
    config = tmp_path / "preprocessor.json"
    text = config.read_text()
    config.write_text(text[:100])
    with pytest.raises(ValueError, match="'preprocessor.json' of the preset"):
        ImageCaptionerPreprocessor.from_preset(tmp_path)
    config.unlink()
    with pytest.raises(FileNotFoundError, match="preprocessor.json"):
        ImageCaptionerPreprocessor.from_preset(tmp_path)
    config.write_text(text)
    (tmp_path / "assets" / "tokenizer" / "vocabulary.txt").unlink()
    with pytest.raises(FileNotFoundError, match="vocabulary.txt"):
        ImageCaptionerPreprocessor.from_preset(tmp_path)


def test_config_holds_no_vocabulary(tmp_path):
    make().save_to_preset(str(tmp_path))
    config = json.loads((tmp_path / "preprocessor.json").read_text())
    assert config["config"]["tokenizer"]["config"]["vocabulary"] is None


def test_config_alone_has_no_vocabulary():
    preprocessor = make()
    config = keras.saving.serialize_keras_object(preprocessor)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.sequence_length == 4
    with pytest.raises(ValueError, match="No vocabulary"):
        copy.tokenizer(["a"])


def test_several_captions_of_each_image():
    data = captioned([["a", "b", "c"], ["d"], ["e", "f"]])
    drawn = make().draw_captions(data.ragged_batch(3), seed=0, number=2)
    seen = set()
    for _ in range(60):
        (batch,) = list(drawn)
        assert batch["caption"].shape == (3, 2)
        first, second, third = (
            tuple(text.decode() for text in row) for row in batch["caption"].numpy()
        )
        # One and the next, from the first again after the last.
        assert first in {("a", "b"), ("b", "c"), ("c", "a")}
        assert second == ("d", "d")
        assert third in {("e", "f"), ("f", "e")}
        seen.add(first)
    assert len(seen) == 3
    x, y, weights = make()(batch, sample_weight=[1.0, 2.0, 1.0])
    assert x["token_ids"].shape == y.shape == weights.shape == (3, 2, 4)
    assert y[1].numpy().tolist() == [[7, 3, 0, 0]] * 2
    assert weights[1].numpy().tolist() == [[2, 2, 0, 0]] * 2
    assert x["images"].shape == (3, 8, 8, 3)
    # An empty one counts for nothing.
    x = {"image": IMAGES[:1], "caption": [["a", " "]]}
    assert make()(x)[2].numpy().tolist() == [[[1, 1, 0, 0], [0, 0, 0, 0]]]
    alone = next(iter(make().draw_captions(data, seed=0, number=2)))
    assert alone["caption"].shape == (2,)
