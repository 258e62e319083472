import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import drop_modalities
from mmkeras.models import (
    GenerativeVisualQA,
    GenerativeVisualQAPreprocessor,
    Prediction,
    Predictions,
)
from mmkeras.models.generative_visual_qa.exact_answers import exact_answers
from tests.conftest import SIDE

BACKGROUND = "what colour is the background?"


@pytest.fixture(scope="module")
def vqa(generative_vqa):
    return generative_vqa


def test_accuracy_counts_exact_answers(vqa, dataset, scenes):
    results = vqa.evaluate(dataset, batch_size=16, verbose=0)
    asked = [row["question"] for row in scenes]
    found = vqa.answer([row["image"] for row in scenes], asked)
    right = [
        answer == true
        for row, answers in zip(scenes, found, strict=True)
        for answer, true in zip(answers, row["answer"], strict=True)
    ]
    assert results["accuracy"] == pytest.approx(np.mean(right))
    # It learned: of the most common answer that is less than half.
    assert results["accuracy"] > 0.5


def test_accuracy_where_modalities_are_missing(vqa, dataset, scenes):
    dropped = drop_modalities(dataset.take(16), {"image": 0.5}, seed=1)
    present = [bool(sample["image_present"]) for sample in dropped]
    assert 0 < sum(present) < len(present)
    found = vqa.answer(
        [
            row["image"] if there else None
            for row, there in zip(scenes, present, strict=False)
        ],
        [row["question"] for row in scenes[:16]],
    )
    right = [
        answer == true
        for row, answers in zip(scenes, found, strict=False)
        for answer, true in zip(answers, row["answer"], strict=True)
    ]
    results = exact_answers(Predictions(vqa, dropped, batch_size=6))
    assert results["accuracy"] == pytest.approx(np.mean(right))


def test_exact_answers_as_the_tokenizer_writes_them(vqa):
    """Without case; a word that is not in the vocabulary is wrong."""

    class Given:
        task = vqa
        rows = [
            Prediction({"answer": ["yes", "YES", "no"]}, None, ["yes", "yes", "yes"]),
            Prediction({"answer": "zebra"}, None, "zebra"),
        ]

    assert exact_answers(Given()) == {"accuracy": 0.5}


def test_grader_by_hand(vqa, images):
    """1 where greedy search gives exactly the tokens of the answer."""
    preprocessor, backbone = vqa.preprocessor, vqa.backbone
    tokenizer = preprocessor.answer_tokenizer
    best = vqa.answer(images[0], [BACKGROUND, "is there a star?"])
    ids = np.zeros([1, 3, preprocessor.answer_length], "int32")
    wrong = "no" if best[1] == "yes" else "yes"
    for place, answer in enumerate([best[0], wrong, best[0]]):
        tokens = tokenizer.tokenize(tf.constant(answer)).numpy().tolist()
        ids[0, place, : len(tokens) + 1] = [*tokens, tokenizer.end_token_id]
    ids[0, 2, 0] = tokenizer.unk_token_id
    asked = tf.constant([[BACKGROUND, "is there a star?", BACKGROUND]])
    pixels = preprocessor.image_converter(tf.constant(images[:1]))
    grades = vqa.grader()(
        backbone.regions(pixels),
        preprocessor.tokenize(asked),
        tf.constant([True]),
        tf.constant(ids),
    )
    assert grades.numpy().tolist() == [[1.0, 0.0, 0.0]]


def test_long_answers_are_refused_or_cut(dataset):
    long = dataset.map(
        lambda row: {
            **row,
            "answer": tf.strings.join(
                ["it may well be that it is a", row["answer"]], " "
            ),
        }
    )
    settings = {"image_size": SIDE, "hidden_dim": 16, "num_layers": 0}
    with pytest.raises(ValueError, match="answer_length=8 .*Use answer_length=.*'cut'"):
        GenerativeVisualQA.from_data(long, answer_length=8, **settings)
    with pytest.raises(ValueError, match="`long_answers` must be 'error' or 'cut'"):
        GenerativeVisualQA.from_data(long, long_answers="no", **settings)
    cut = GenerativeVisualQA.from_data(
        long, answer_length=8, long_answers="cut", **settings
    )
    assert cut.preprocessor.answer_length == cut.backbone.answer_length == 8


def test_decoding_options(vqa, images):
    best = vqa.answer(images[0], BACKGROUND, num_beams=3, num_sequences=3)
    assert len(set(best)) == 3
    scores = [answer.score for answer in best]
    assert scores == sorted(scores, reverse=True)
    greedy = vqa.answer(images[0], BACKGROUND)
    names, gains = zip(*greedy.tokens, strict=True)
    tokenizer = vqa.preprocessor.answer_tokenizer
    ids = [tokenizer.token_to_id(name) for name in names]
    assert tokenizer.detokenize([ids]).numpy()[0].decode() == greedy
    assert sum(gains) == pytest.approx(greedy.score, abs=1e-5)
    without = vqa.answer(images[0], BACKGROUND, forbidden_words=[greedy])
    assert greedy not in without


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


def test_forms_of_images_and_questions(vqa, images):
    one, two = vqa.answer(images[0], [BACKGROUND, "is there a star?"])
    without = vqa.answer(None, BACKGROUND)
    asked = [[BACKGROUND, "is there a star?"], BACKGROUND]
    assert vqa.answer([images[0], None], asked) == [[one, two], without]
    found = vqa.answer([images[0], b"bad"], BACKGROUND, on_error="skip")
    assert found == [one, None]
    with pytest.raises(ValueError, match="is blank"):
        vqa.answer(images[0], "")


def test_explain(vqa, images):
    best = vqa.answer(images[0], BACKGROUND)
    explanation = vqa.explain(images[0], BACKGROUND)
    assert explanation.answer == best
    # The sum of the log-probabilities of its tokens, as the search adds them up.
    assert np.log(explanation.score) == pytest.approx(best.score, abs=1e-4)
    assert explanation.image_gradient.shape == (2, 2)
    assert explanation.image_gradient.max() == pytest.approx(1.0)
    unlike = "no" if best == "yes" else "yes"
    other = vqa.explain(images[0], BACKGROUND, answer=unlike)
    assert other.answer == unlike and other.score < explanation.score
    with pytest.raises(ValueError, match="cannot write '☃': its vocabulary"):
        vqa.explain(images[0], BACKGROUND, answer="☃")
    with pytest.raises(ValueError, match="at most \\d+ tokens"):
        vqa.explain(images[0], BACKGROUND, answer="yes " * 200)
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
    with pytest.raises(ValueError, match="LateFusion returns logits of answers"):
        GenerativeVisualQA.from_data(dataset, image_size=SIDE, fusion="late")
