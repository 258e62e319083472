import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import VisualQAPreprocessor
from mmkeras.preprocessing import ImageConverter, WordPieceTokenizer

pytestmark = pytest.mark.fast

IMAGE = tf.io.encode_png(np.full((4, 4, 3), 255, "uint8")).numpy()
# ids: 0 padding, 1 unknown, 2 start, 3 end, then these
WORDS = ["[PAD]", "[UNK]", "[START]", "[END]", "what", "colour", "how", "many", "?"]


@pytest.fixture(scope="module")
def preprocessor():
    return VisualQAPreprocessor(
        ImageConverter(8), WordPieceTokenizer(WORDS), ["red", "two"], 6
    )


def batch(**changes):
    rows = {
        "image": tf.constant([IMAGE, IMAGE]),
        "image_id": tf.constant(["a", "b"]),
        "question": tf.ragged.constant([["what colour?", "how many?"], ["how many?"]]),
        "answer": tf.ragged.constant([["red", "Two "], ["nine"]]),
    }
    return {name: x for name, x in {**rows, **changes}.items() if x is not None}


def test_inputs_targets_and_weights(preprocessor):
    inputs, scores, weights = preprocessor(batch())
    np.testing.assert_array_equal(
        inputs["token_ids"],
        [
            [[2, 4, 5, 8, 3, 0], [2, 6, 7, 8, 3, 0]],
            [[2, 6, 7, 8, 3, 0], [0, 0, 0, 0, 0, 0]],
        ],
    )
    # "nine" is unknown, so that no answer scores; the question counts all the same.
    np.testing.assert_array_equal(scores, [[[1, 0], [0, 1]], [[0, 0], [0, 0]]])
    np.testing.assert_array_equal(weights, [[1, 1], [1, 0]])
    np.testing.assert_array_equal(inputs["image_mask"], [True, True])
    assert inputs["images"].shape == (2, 8, 8, 3)
    assert float(inputs["images"][0, 0, 0, 0]) == 1.0


def test_one_question_for_each_image(preprocessor):
    questions, answers = tf.constant(["what?", "how?"]), tf.constant(["two", "red"])
    inputs, scores, weights = preprocessor(batch(question=questions, answer=answers))
    assert inputs["token_ids"].shape == (2, 1, 6)
    np.testing.assert_array_equal(scores, [[[0, 1]], [[1, 0]]])
    np.testing.assert_array_equal(weights, [[1], [1]])


def test_the_answers_of_annotators(preprocessor):
    answers = [[["red"] * 10, ["two"] * 3 + ["red"] * 7], [["two"] + ["six"] * 9]]
    given = tf.ragged.constant(answers, inner_shape=(10,))
    _, scores, _ = preprocessor(batch(answers=given, answer=None))
    expected = [[[1, 0], [1, 0.9]], [[0, 0.3], [0, 0]]]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_a_missing_image_and_a_missing_question(preprocessor):
    inputs, _, weights = preprocessor(
        batch(
            image=tf.constant([IMAGE, b""]),
            image_present=tf.constant([True, False]),
            question=tf.ragged.constant([["what?", ""], ["how?"]]),
            question_present=tf.ragged.constant([[True, False], [True]]),
        )
    )
    np.testing.assert_array_equal(inputs["image_mask"], [True, False])
    np.testing.assert_array_equal(inputs["images"][1], np.zeros((8, 8, 3)))
    np.testing.assert_array_equal(inputs["token_ids"][0, 1], np.zeros(6))
    # It counts as a question, the padding does not.
    np.testing.assert_array_equal(weights, [[1, 1], [1, 0]])


def test_an_unreadable_image_is_not_missing(preprocessor):
    with pytest.raises(tf.errors.InvalidArgumentError, match="image_id b: empty"):
        preprocessor(batch(image=tf.constant([IMAGE, b""])))


def test_sample_weight_multiplies(preprocessor):
    _, _, weights = preprocessor(batch(), sample_weight=tf.constant([2.0, 3.0]))
    np.testing.assert_array_equal(weights, [[2, 2], [3, 0]])


def test_a_long_question_is_cut(preprocessor):
    questions = tf.constant(["what " * 2000, "how?"])
    ids = preprocessor.tokenize(questions)
    np.testing.assert_array_equal(ids, [[2, 4, 4, 4, 4, 3], [2, 6, 8, 3, 0, 0]])


def test_a_question_in_another_script_is_read_as_unknown(preprocessor):
    ids = preprocessor.tokenize(tf.constant(["什么", "🙂"])).numpy()
    assert (ids[:, 1] == 1).all()


def test_as_many_answers_as_questions(preprocessor):
    answers = tf.ragged.constant([["red", "two"], ["two", "two"]])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="image_id b: 1 questions, 2 answers"
    ):
        preprocessor(batch(answer=answers))


@pytest.mark.parametrize("key", ["image", "question", "answer"])
def test_a_missing_key_is_named(preprocessor, key):
    with pytest.raises(ValueError, match=f"'{key}'"):
        preprocessor(batch(**{key: None}))


def test_duplicate_answers(preprocessor):
    with pytest.raises(ValueError, match="with duplicates of \\['red'\\]"):
        VisualQAPreprocessor(
            ImageConverter(8), WordPieceTokenizer(WORDS), ["red", "RED "]
        )


def test_a_short_sequence_length(preprocessor):
    with pytest.raises(ValueError, match="sequence_length=2"):
        VisualQAPreprocessor(
            ImageConverter(8), WordPieceTokenizer(WORDS), ["red"], sequence_length=2
        )


def test_config_round_trip(preprocessor, tmp_path):
    config = keras.saving.serialize_keras_object(preprocessor)
    again = keras.saving.deserialize_keras_object(config)
    assert again.answers == preprocessor.answers
    assert again.get_config()["sequence_length"] == 6
