import numpy as np
import pytest
import tensorflow as tf

QUESTION = "what colour is the background?"


@pytest.fixture(scope="module")
def model(presets):
    # Kept, since its functions read variables that are deleted with it.
    return tf.saved_model.load(str(presets.saved_model("vqa")))


def test_answers_are_those_of_answer(vqa, model, images, scenes):
    asked = [row["question"][0] for row in scenes]
    served = model.signatures["top_k"](
        image_bytes=tf.constant(images), question=tf.constant(asked)
    )
    expected = vqa.answer(images, asked, num_sequences=3)
    answers = [[text.decode() for text in row] for row in served["answers"].numpy()]
    assert answers == expected
    scores = [[answer.score for answer in row] for row in expected]
    np.testing.assert_allclose(served["scores"], scores, atol=1e-5)


def test_a_bad_row_fails_alone(model, images):
    served = model.signatures["serving_default"](
        image_bytes=tf.constant([images[0], b"bad", images[0], b"", images[0]]),
        question=tf.constant([QUESTION, QUESTION, "  ", QUESTION, "?" * 10_000]),
    )
    answers, errors = served["answer"].numpy(), served["error"].numpy()
    assert [bool(answer) for answer in answers] == [True, False, False, False, True]
    assert b"unknown image format" in errors[1]
    assert errors[2] == b"the question is empty"
    assert b"empty" in errors[3]
    assert served["score"].numpy()[1] == 0


def test_an_empty_batch(model):
    nothing = tf.constant([], tf.string)
    served = model.signatures["serving_default"](image_bytes=nothing, question=nothing)
    assert all(value.shape == (0,) for value in served.values())


def test_number_of_answers(vqa):
    # Not more than the model knows.
    function, inputs = vqa.signatures(num_sequences=999)["top_k"]
    traced = tf.function(function, input_signature=inputs).get_concrete_function()
    number = len(vqa.preprocessor.answers)
    assert traced.structured_outputs["answers"].shape.as_list() == [None, number]
    with pytest.raises(ValueError, match="num_sequences=0"):
        vqa.signatures(num_sequences=0)


def test_unknown_options_are_named_with_the_known_ones(vqa, tmp_path):
    with pytest.raises(
        TypeError, match="VisualQA has no argument `num_beams`.*num_sequences"
    ):
        vqa.export(tmp_path / "1", num_beams=2)
    with pytest.raises(TypeError, match="Did you mean `overwrite`"):
        vqa.export(tmp_path / "1", overwrit=True)
