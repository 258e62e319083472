import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models import GenerativeVisualQA
from mmkeras.preprocessing import GenerativeVisualQAPreprocessor
from tests.conftest import SIDE

BACKGROUND = "what colour is the background?"


@pytest.fixture(scope="module")
def vqa(dataset):
    vqa = GenerativeVisualQA.from_data(
        dataset,
        image_size=SIDE,
        hidden_dim=32,
        num_encoder_layers=0,
        fusion="gated",
        seed=0,
    )
    vqa.compile("adam")
    vqa.fit(dataset, epochs=12, batch_size=8, verbose=0)
    return vqa


def test_it_learns_to_write_answers(vqa, dataset, scenes):
    results = vqa.evaluate(dataset, batch_size=16, verbose=0)
    assert results["accuracy"] > 0.4
    asked = [row["question"] for row in scenes]
    found = vqa.answer([row["image"] for row in scenes], asked)
    right = [
        answer == true
        for row, answers in zip(scenes, found, strict=True)
        for answer, true in zip(answers, row["answer"], strict=True)
    ]
    assert results["accuracy"] == pytest.approx(np.mean(right))


def test_decoding_options(vqa, images):
    best = vqa.answer(
        images[0], BACKGROUND, num_beams=3, num_captions=3, return_scores=True
    )
    assert len({text for text, _ in best}) == 3
    assert [score for _, score in best] == sorted(
        (score for _, score in best), reverse=True
    )
    without = vqa.answer(images[0], BACKGROUND, forbidden_words=[best[0][0]])
    assert without != best[0][0]


def test_decoding_agrees_with_all_tokens_at_once(vqa, images):
    """Greedy tokens are those that `call` finds most likely after the ones before."""
    preprocessor = vqa.preprocessor
    pixels = preprocessor.image_converter(tf.constant(images[:4]))
    asked = tf.constant([[BACKGROUND]] * 4)
    result = vqa.generator()(pixels, tf.fill([4], True), asked)
    written = result.token_ids[:, 0]
    start = tf.fill([4, 1], preprocessor.answer_tokenizer.start_token_id)
    inputs = {
        "images": pixels,
        "image_mask": tf.ones(4, tf.int32),
        "token_ids": preprocessor.tokenize(asked),
        "answer_ids": tf.expand_dims(tf.concat([start, written[:, :-1]], 1), 1),
    }
    likely = np.argmax(vqa(inputs, training=False)[:, 0], axis=-1)
    end = preprocessor.answer_tokenizer.end_token_id
    for row, found in zip(written.numpy(), likely, strict=True):
        length = list(row).index(end) + 1 if end in row else len(row)
        np.testing.assert_array_equal(found[:length], row[:length])


def test_forms_and_what_is_missing(vqa, images):
    one = vqa.answer(images[0], BACKGROUND)
    nested = vqa.answer([images[0], None], [[BACKGROUND] * 2, BACKGROUND])
    assert nested[0] == [one, one] and isinstance(nested[1], str)
    found = vqa.answer([images[0], b"bad"], BACKGROUND, on_error="skip")
    assert found == [one, None]
    with pytest.raises(ValueError, match="is blank"):
        vqa.answer(images[0], "")


def test_explain(vqa, images):
    [(best, score)] = [vqa.answer(images[0], BACKGROUND, return_scores=True)]
    explanation = vqa.explain(images[0], BACKGROUND)
    assert explanation.answer == best
    # The sum of the log-probabilities of its tokens, as the search adds them up.
    assert np.log(explanation.score) == pytest.approx(score, abs=1e-4)
    assert explanation.image_gradient.shape == (2, 2)
    assert explanation.image_gradient.max() == pytest.approx(1.0)
    unlike = "no" if best == "yes" else "yes"
    other = vqa.explain(images[0], BACKGROUND, answer=unlike)
    assert other.answer == unlike and other.score < explanation.score
    with pytest.raises(ValueError, match="no pieces"):
        vqa.explain(images[0], BACKGROUND, answer="☃")
    with pytest.raises(ValueError, match="at most 8 tokens"):
        vqa.explain(images[0], BACKGROUND, answer="yes " * 8)
    # Nothing but the end, which is not certain.
    assert vqa.explain(images[0], BACKGROUND, answer="").score < explanation.score


def test_targets_by_hand(vqa, images):
    pieces = ["[PAD]", "[UNK]", "[START]", "[END]", "dark", "red"]
    preprocessor = GenerativeVisualQAPreprocessor(
        vqa.preprocessor.image_converter,
        vqa.preprocessor.tokenizer,
        pieces,
        answer_length=4,
    )
    inputs, targets, weights = preprocessor(
        {
            "image": tf.constant(images[:2]),
            "question": tf.ragged.constant([["a?", "b?"], ["c?"]]),
            "answer": tf.ragged.constant([["dark red", "red"], ["red red red red"]]),
        }
    )
    np.testing.assert_array_equal(
        inputs["answer_ids"],
        [[[2, 4, 5, 0], [2, 5, 0, 0]], [[2, 5, 5, 5], [0, 0, 0, 0]]],
    )
    np.testing.assert_array_equal(
        targets, [[[4, 5, 3, 0], [5, 3, 0, 0]], [[5, 5, 5, 3], [0, 0, 0, 0]]]
    )
    np.testing.assert_array_equal(
        weights, [[[1, 1, 1, 0], [1, 1, 0, 0]], [[1, 1, 1, 1], [0, 0, 0, 0]]]
    )


def test_a_block_that_scores_answers_is_refused(dataset):
    with pytest.raises(ValueError, match="LateFusion scores answers"):
        GenerativeVisualQA.from_data(dataset, image_size=SIDE, fusion="late")
