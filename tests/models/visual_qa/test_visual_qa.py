import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.layers.fusion import GatedFusion
from mmkeras.models import VisualQA
from tests.conftest import SIDE, tiny_rows, to_dataset

BACKGROUND = "what colour is the background?"


def make(dataset, **kwargs):
    options = {
        "image_size": SIDE,
        "hidden_dim": 32,
        "num_layers": 0,
        "fusion": "gated",
        "seed": 0,
        **kwargs,
    }
    return VisualQA.from_data(dataset, **options)


def test_accuracy_counts_the_answers_of_answer(vqa, dataset, scenes):
    """Accuracy over padded batches equals counting right answers one by one."""
    found = vqa.answer(
        [row["image"] for row in scenes], [row["question"] for row in scenes]
    )
    right = [
        answer == true
        for row, answers in zip(scenes, found, strict=True)
        for answer, true in zip(answers, row["answer"], strict=True)
    ]
    accuracy = vqa.evaluate(dataset, batch_size=7, verbose=0)["accuracy"]
    assert accuracy == pytest.approx(np.mean(right), abs=1e-6)
    # It learned: of the most common answer that is less than half.
    assert accuracy > 0.5


def test_forms_of_images_and_questions(vqa, images, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(images[0])
    one = vqa.answer(path, BACKGROUND)
    assert one in vqa.preprocessor.answers
    assert vqa.answer([str(path)], [BACKGROUND]) == [one]
    assert vqa.answer(images[0], [BACKGROUND, BACKGROUND]) == [one, one]
    two = vqa.answer(images[:2], BACKGROUND)
    assert two == [one, vqa.answer(images[1], BACKGROUND)]
    nested = vqa.answer(images[:2], [[BACKGROUND] * 3, BACKGROUND], batch_size=1)
    assert nested == [[one] * 3, two[1]]


def test_several_answers(vqa, images):
    known = vqa.preprocessor.answers
    best = vqa.answer(images[0], BACKGROUND, num_sequences=3)
    assert best[0] == vqa.answer(images[0], BACKGROUND)
    everything = vqa.answer(images[0], BACKGROUND, num_sequences=len(known))
    assert everything[:3] == best and sorted(everything) == sorted(known)
    scores = [answer.score for answer in everything]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)


def test_several_questions_are_answered_as_each_alone(vqa, images):
    asked = [BACKGROUND, "is there a star?", "how many stars are there?"]
    together = vqa.answer(images[3], asked)
    alone = [vqa.answer(images[3], question) for question in asked]
    assert together == alone
    np.testing.assert_allclose(
        [answer.score for answer in together],
        [answer.score for answer in alone],
        atol=1e-5,
    )


def test_pixels_of_a_missing_image_do_not_count(vqa):
    asked = tf.constant([[BACKGROUND]] * 2)
    pixels = tf.stack([tf.zeros([SIDE, SIDE, 3]), tf.random.normal([SIDE, SIDE, 3])])
    scores = vqa.answerer()(pixels, tf.constant([False, False]), asked)
    np.testing.assert_array_equal(scores[0], scores[1])
    expected = vqa.answer(None, BACKGROUND)
    assert float(tf.reduce_max(scores)) == pytest.approx(expected.score, rel=1e-5)


def test_without_an_image_or_a_question(vqa, scenes):
    """The kind of the answer follows from the question alone."""
    colors = {a for row in scenes for q, a in _pairs(row) if q == BACKGROUND}
    assert vqa.answer(None, BACKGROUND) in colors
    known = vqa.preprocessor.answers
    everything = vqa.answer(None, None, num_sequences=len(known))
    assert sum(answer.score for answer in everything) == pytest.approx(1, abs=1e-5)


def _pairs(row):
    return zip(row["question"], row["answer"], strict=True)


def test_missing_images_do_not_change_the_other_rows(vqa, images):
    every = vqa.answer(images[:4], BACKGROUND)
    some = vqa.answer([images[0], None, images[2], None], BACKGROUND)
    assert [some[0], some[2]] == [every[0], every[2]]
    np.testing.assert_allclose(
        [some[0].score, some[2].score], [every[0].score, every[2].score], atol=1e-5
    )
    assert some[1] == some[3] and some[1].score == pytest.approx(some[3].score)


def test_bad_questions(vqa, images):
    with pytest.raises(ValueError, match="image 1 is blank"):
        vqa.answer(images[:2], [BACKGROUND, "  "])
    with pytest.raises(ValueError, match="`images` has 2 items, and `questions` has 3"):
        vqa.answer(images[:2], [BACKGROUND] * 3)
    with pytest.raises(ValueError, match=r"without a list: answer\(image, \["):
        vqa.answer(images[:1], [BACKGROUND] * 2)
    with pytest.raises(ValueError, match="about the image must be a string.*: 7"):
        vqa.answer(images[0], [BACKGROUND, 7])
    for questions in (3, b"what?"):
        with pytest.raises(ValueError, match="must be a string.* Received: "):
            vqa.answer(images[0], questions)
        with pytest.raises(ValueError, match="`questions` must be a string"):
            vqa.answer(images[:2], questions)
    with pytest.raises(ValueError, match="lone surrogate at index 4"):
        vqa.answer(images[0], "what\ud800?")


def test_a_batch_of_a_dataset(vqa, dataset, scenes):
    batch = next(iter(batch_samples(dataset, 2)))
    images = [row["image"] for row in scenes[:2]]
    expected = vqa.answer(images, [row["question"] for row in scenes[:2]])
    assert vqa.answer(batch["image"], batch["question"]) == expected
    sample = next(dataset.as_numpy_iterator())
    assert vqa.answer(sample["image"], sample["question"]) == expected[0]
    first = tf.constant([row["question"][0] for row in scenes[:2]])
    assert vqa.answer(batch["image"], first) == [row[0] for row in expected]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_sequences": "3"}, "`num_sequences` must be an integer.*='3'"),
        ({"num_sequences": 2.0}, "`num_sequences` must be an integer.*=2.0"),
        ({"num_sequences": 0}, "`num_sequences` must be an integer.*=0"),
        ({"num_sequences": 999}, "`num_sequences` must be an integer.*=999"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1.*=0"),
        ({"batch_size": 1.5}, "`batch_size` must be an integer"),
    ],
)
def test_bad_numbers(vqa, images, options, message):
    with pytest.raises(ValueError, match=message):
        vqa.answer(images[0], BACKGROUND, **options)


def test_integers_of_numpy(vqa, images):
    found = vqa.answer(
        images[0], BACKGROUND, num_sequences=np.int64(2), batch_size=np.int8(3)
    )
    assert len(found) == 2


def test_only_one_image_is_explained(vqa, images):
    with pytest.raises(ValueError, match="must be a single image.* a list of 1"):
        vqa.explain(images[:1], BACKGROUND)
    with pytest.raises(ValueError, match="`image` must be .*image=None"):
        vqa.explain(None, BACKGROUND)
    with pytest.raises(ValueError, match="a batch of 2"):
        vqa.explain(tf.constant(images[:2]), BACKGROUND)
    with pytest.raises(ValueError, match="`question` must be a single string"):
        vqa.explain(images[0], [BACKGROUND])


def test_odd_questions_get_an_answer(vqa, images):
    odd = ["what " * 2000, "背景是什么颜色？", "🙂🙂", "?"]
    assert set(vqa.answer(images[0], odd)) <= set(vqa.preprocessor.answers)


def test_bad_images(vqa, images):
    with pytest.raises(ValueError, match="image 1: unknown image format"):
        vqa.answer([images[0], b"bad"], BACKGROUND)
    found = vqa.answer([images[0], b"bad"], [[BACKGROUND] * 2] * 2, on_error="skip")
    assert found[1] == [None, None]
    assert found[0] == [vqa.answer(images[0], BACKGROUND)] * 2
    with pytest.raises(ValueError, match="on_error='drop'"):
        vqa.answer(images[0], BACKGROUND, on_error="drop")


def test_explain(vqa, images):
    explanation = vqa.explain(images[0], BACKGROUND)
    best = vqa.answer(images[0], BACKGROUND)
    assert explanation.answer == best
    assert explanation.score == pytest.approx(best.score, abs=1e-5)
    assert explanation.tokens[1:-1] == [
        "what",
        "colour",
        "is",
        "the",
        "background",
        "?",
    ]
    encoder = vqa.backbone.image_encoder
    assert explanation.image_gradient.shape == (encoder.rows, encoder.columns)
    # Scaled to 1 where the answer depends on the image at all.
    assert explanation.image_gradient.min() >= 0
    assert explanation.image_gradient.max() == pytest.approx(1)
    assert explanation.image_attention is None
    assert vqa.explain(images[0], BACKGROUND, answer="yes").answer == "yes"
    with pytest.raises(ValueError, match="does not know the answer 'seven hundred'"):
        vqa.explain(images[0], BACKGROUND, answer="seven hundred")


def test_explanation_by_attention(dataset, images, tmp_path):
    vqa = make(dataset, fusion="bidirectional_cross_attention")
    explanation = vqa.explain(images[0], BACKGROUND)
    assert explanation.image_attention.sum() == pytest.approx(1, abs=1e-5)
    assert explanation.text_attention.sum() == pytest.approx(1, abs=1e-5)
    assert len(explanation.text_attention) == len(explanation.tokens)
    explanation.plot(tmp_path / "answer.png")
    assert (tmp_path / "answer.png").stat().st_size > 10_000


def test_modality_heads_have_losses(dataset):
    vqa = make(dataset, modality_heads=True)
    weights = {"answer": 1.0, "image": 0.25, "text": 0.5}
    vqa.compile("adam", loss_weights=weights, run_eagerly=True)
    losses = vqa.fit(dataset.take(16), batch_size=16, verbose=0).history
    # L = l + α_v l_v + α_t l_t
    expected = sum(weights[name] * losses[f"{name}_loss"][0] for name in weights)
    assert losses["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert "answer_accuracy" in losses


def test_late_fusion_scores_the_answers_itself(dataset, images):
    vqa = make(dataset, fusion="late")
    assert vqa.backbone.question_reader.head is None
    assert vqa.backbone.fusion.dim == len(vqa.preprocessor.answers)
    found = vqa.answer(images[0], BACKGROUND, num_sequences=3)
    assert found[0].score >= found[1].score >= found[2].score
    assert set(found) <= set(vqa.preprocessor.answers)


def test_custom_fusion_block(dataset):
    block = GatedFusion(dim=16)
    assert make(dataset, fusion=block).backbone.fusion is block


def test_an_unknown_fusion_names_the_known_ones(dataset):
    with pytest.raises(ValueError, match="gated"):
        make(dataset, fusion="gatted")


def test_answer_weights(dataset):
    vqa = make(dataset)
    vqa.compile("adam", answer_weights={"yes": 2.0})
    weights = vqa.loss.answer_weights
    assert weights[vqa.preprocessor.answers.index("yes")] == 2.0
    assert sum(weights) == len(weights) + 1
    with pytest.raises(ValueError, match="does not know.*'perhaps'"):
        vqa.compile("adam", answer_weights={"perhaps": 2.0})


@pytest.mark.parametrize("name", ["num_answers", "min_answer_count"])
def test_numbers_of_answers(dataset, name):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 1"):
        VisualQA.from_data(dataset, **{name: 0})


def test_only_the_most_frequent_answers(dataset):
    vqa = make(dataset, num_answers=2)
    assert sorted(vqa.preprocessor.answers) == ["no", "yes"]


def test_questions_in_chinese():
    rows = tiny_rows(16, "zh")
    vqa = make(to_dataset(rows))
    assert "是" in vqa.preprocessor.answers
    assert vqa.answer(rows[0]["image"], "背景是什么颜色？") in vqa.preprocessor.answers


def test_questions_of_another_language_are_refused(vqa):
    with pytest.raises(ValueError, match="a single word of the first"):
        vqa.evaluate(to_dataset(tiny_rows(4, "zh")), verbose=0)


def test_samples_without_answers(vqa, scenes):
    rows = [{k: v for k, v in row.items() if k != "answer"} for row in scenes[:4]]
    with pytest.raises(ValueError, match="'answer'"):
        vqa.evaluate(to_dataset(rows), verbose=0)


def test_lora_is_on_parts_that_have_dense_layers(dataset):
    """A GRU has no dense layer; the fusion block has."""
    task = make(dataset)
    task.enable_lora(rank=2)
    names = {weight.path for weight in task.trainable_weights}
    assert names and all("lora" in name for name in names)
    with pytest.raises(ValueError, match="no `Dense`"):
        task.enable_lora(rank=2, parts=["text_encoder"])


def test_unknown_answers_are_pointed_out(vqa, dataset):
    foreign = dataset.map(
        lambda row: {**row, "answer": tf.strings.join([row["answer"], "-x"])}
    )
    with pytest.warns(UserWarning, match="None of the first .*-x' ….*from_data"):
        results = vqa.evaluate(foreign.take(4), verbose=0)
    assert results["accuracy"] == 0
