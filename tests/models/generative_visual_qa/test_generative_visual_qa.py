import warnings

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import drop_modalities
from mmkeras.decoding import DecodingResult
from mmkeras.models import GenerativeVisualQA, GenerativeVisualQAPreprocessor
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
    with warnings.catch_warnings():
        # Of a softmax over one key, or of weights without gradients.
        warnings.filterwarnings("error", ".*(softmax|Gradients)")
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


def test_accuracy_where_modalities_are_missing(vqa, dataset, scenes):
    dropped = drop_modalities(dataset, {"image": 0.5}, seed=1)
    present = [bool(sample["image_present"]) for sample in dropped]
    assert 0 < sum(present) < len(present)
    asked = [row["question"] for row in scenes]
    pairs = zip(scenes, present, strict=True)
    found = vqa.answer([row["image"] if there else None for row, there in pairs], asked)
    right = [
        answer == true
        for row, answers in zip(scenes, found, strict=True)
        for answer, true in zip(answers, row["answer"], strict=True)
    ]
    results = vqa.evaluate(dropped, batch_size=16, verbose=0)
    assert results["accuracy"] == pytest.approx(np.mean(right))


def test_an_answer_counts_as_its_tokenizer_writes_it(vqa):
    """`U.S.A.` is written with spaces, and is right all the same."""
    tokenizer = vqa.preprocessor.answer_tokenizer
    ids = tokenizer.tokenize(tf.constant(["yes"])).to_tensor()[0].numpy().tolist()
    length = vqa.preprocessor.answer_length
    true = np.zeros([1, 2, length], "int32")
    true[0, :, : len(ids) + 1] = [*ids, tokenizer.end_token_id]
    true[0, 1, 0] = tokenizer.unk_token_id

    class Writer:
        def of_regions(self, options):
            written = tf.constant(np.repeat(true[:, :1], 2, axis=1).reshape(2, 1, -1))
            return lambda *_: DecodingResult(written, None, None)

    generators, vqa._generators = vqa._generators, Writer()
    try:
        grades = vqa.grader()(None, None, None, tf.constant(true))
        assert grades.numpy().tolist() == [[1.0, 0.0]]
    finally:
        vqa._generators = generators


def test_long_answers_are_refused_or_cut(dataset):
    long = dataset.map(
        lambda row: {
            **row,
            "answer": tf.strings.join(
                ["it may well be that it is a", row["answer"]], " "
            ),
        }
    )
    settings = {"image_size": SIDE, "hidden_dim": 16, "num_encoder_layers": 0}
    with pytest.raises(ValueError, match="answer_length=8.*Give answer_length=.*'cut'"):
        GenerativeVisualQA.from_data(long, **settings)
    with pytest.raises(ValueError, match="`long_answers` must be 'error' or 'cut'"):
        GenerativeVisualQA.from_data(long, long_answers="no", **settings)
    cut = GenerativeVisualQA.from_data(long, long_answers="cut", **settings)
    assert cut.preprocessor.answer_length == 8


def test_decoding_options(vqa, images):
    best = vqa.answer(
        images[0], BACKGROUND, num_beams=3, num_sequences=3, return_scores=True
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
