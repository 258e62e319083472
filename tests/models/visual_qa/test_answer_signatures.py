import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import VisualQA
from tests.conftest import SIDE

QUESTION = "what colour is the background?"


@pytest.fixture(scope="module")
def vqa(dataset):
    return VisualQA.from_data(
        dataset,
        image_size=SIDE,
        hidden_dim=16,
        num_encoder_layers=0,
        fusion="gated",
        seed=0,
    )


@pytest.fixture(scope="module")
def signatures(vqa, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "1"
    vqa.export(path, top_k=2)
    # Kept, or what the functions read would go with the model.
    model = tf.saved_model.load(str(path))
    return model, model.signatures


def test_answers_are_those_of_answer(vqa, signatures, images, scenes):
    asked = [row["question"][0] for row in scenes]
    served = signatures[1]["top_k"](
        image_bytes=tf.constant(images), question=tf.constant(asked)
    )
    expected = vqa.answer(images, asked, top_k=2)
    answers = [[text.decode() for text in row] for row in served["answers"].numpy()]
    assert answers == [[text for text, _ in row] for row in expected]
    scores = [[score for _, score in row] for row in expected]
    np.testing.assert_allclose(served["scores"], scores, atol=1e-5)


def test_a_bad_row_fails_alone(signatures, images):
    served = signatures[1]["serving_default"](
        image_bytes=tf.constant([images[0], b"bad", images[0], b"", images[0]]),
        question=tf.constant([QUESTION, QUESTION, "  ", QUESTION, "?" * 10_000]),
    )
    answers, errors = served["answer"].numpy(), served["error"].numpy()
    assert [bool(answer) for answer in answers] == [True, False, False, False, True]
    assert b"unknown image format" in errors[1]
    assert errors[2] == b"the question is empty"
    assert b"empty" in errors[3]
    assert served["score"].numpy()[1] == 0


def test_an_empty_batch(signatures):
    nothing = tf.constant([], tf.string)
    served = signatures[1]["serving_default"](image_bytes=nothing, question=nothing)
    assert all(value.shape == (0,) for value in served.values())


def test_top_k_is_at_least_one(vqa, tmp_path):
    with pytest.raises(ValueError, match="top_k=0"):
        vqa.export(tmp_path / "1", top_k=0)


def test_an_option_that_there_is_not_is_named_with_those_there_are(vqa, tmp_path):
    with pytest.raises(
        TypeError, match="VisualQA has no argument `num_beams`.*, top_k"
    ):
        vqa.export(tmp_path / "1", num_beams=2)
    with pytest.raises(TypeError, match="Did you mean `overwrite`"):
        vqa.export(tmp_path / "1", overwrit=True)
