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
        "num_encoder_layers": 0,
        "fusion": "gated",
        "seed": 0,
        **kwargs,
    }
    return VisualQA.from_data(dataset, **options)


@pytest.fixture(scope="module")
def vqa(dataset):
    vqa = make(dataset, modality_dropout={"image": 0.2, "text": 0.1})
    vqa.compile("adam")
    vqa.fit(dataset, epochs=12, batch_size=8, verbose=0)
    return vqa


def test_it_learns(vqa, dataset):
    assert vqa.evaluate(dataset, verbose=0)["accuracy"] > 0.5


def test_evaluation_is_what_answer_says(vqa, dataset, scenes):
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


def test_forms_of_pictures_and_questions(vqa, images, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(images[0])
    one = vqa.answer(path, BACKGROUND)
    assert isinstance(one, str)
    assert vqa.answer([str(path)], [BACKGROUND]) == [one]
    assert vqa.answer(images[0], [BACKGROUND, BACKGROUND]) == [one, one]
    two = vqa.answer(images[:2], BACKGROUND)
    assert two == [one, vqa.answer(images[1], BACKGROUND)]
    nested = vqa.answer(images[:2], [[BACKGROUND] * 3, BACKGROUND], batch_size=1)
    assert nested == [[one] * 3, two[1]]


def test_top_k(vqa, images):
    best = vqa.answer(images[0], BACKGROUND, top_k=3)
    assert best[0][0] == vqa.answer(images[0], BACKGROUND)
    scores = [score for _, score in best]
    assert scores == sorted(scores, reverse=True)
    everything = vqa.answer(images[0], BACKGROUND, top_k=len(vqa.preprocessor.answers))
    assert sum(score for _, score in everything) == pytest.approx(1, abs=1e-5)
    with pytest.raises(ValueError, match="top_k=0"):
        vqa.answer(images[0], BACKGROUND, top_k=0)


def test_several_questions_are_answered_as_each_alone(vqa, images):
    asked = [BACKGROUND, "is there a star?", "how many stars are there?"]
    together = vqa.answer(images[3], asked, top_k=2)
    alone = [vqa.answer(images[3], question, top_k=2) for question in asked]
    for left, right in zip(together, alone, strict=True):
        assert [text for text, _ in left] == [text for text, _ in right]
        np.testing.assert_allclose(
            [s for _, s in left], [s for _, s in right], atol=1e-5
        )


def test_without_a_picture_all_pictures_are_the_same(vqa, images):
    """A missing picture is not seen: what stands in its place does not count."""
    asked = tf.constant([[BACKGROUND]] * 2)
    pixels = tf.stack([tf.zeros([SIDE, SIDE, 3]), tf.random.normal([SIDE, SIDE, 3])])
    scores = vqa.answerer()(pixels, tf.constant([False, False]), asked)
    np.testing.assert_array_equal(scores[0], scores[1])
    expected = vqa.answer(None, BACKGROUND, top_k=1)
    assert float(tf.reduce_max(scores)) == pytest.approx(expected[0][1], rel=1e-5)


def test_without_a_picture_the_answer_is_of_the_right_kind(vqa):
    colours = {"white", "yellow", "green", "blue", "grey", "pink", "orange"}
    found = vqa.answer(None, BACKGROUND)
    assert found not in ("yes", "no"), found
    assert found in colours or found in vqa.preprocessor.answers


def test_neither_picture_nor_question(vqa):
    (first,) = vqa.answer(None, None, top_k=1)
    assert 0 < first[1] < 1


def test_missing_pictures_do_not_change_the_other_rows(vqa, images):
    whole = vqa.answer(images[:4], BACKGROUND, top_k=1)
    some = vqa.answer([images[0], None, images[2], None], BACKGROUND, top_k=1)
    assert [some[0][0][0], some[2][0][0]] == [whole[0][0][0], whole[2][0][0]]
    np.testing.assert_allclose(
        [some[0][0][1], some[2][0][1]], [whole[0][0][1], whole[2][0][1]], atol=1e-5
    )
    assert some[1] == some[3]


def test_questions_that_cannot_be_asked(vqa, images):
    with pytest.raises(ValueError, match="image 1 is blank"):
        vqa.answer(images[:2], [BACKGROUND, "  "])
    with pytest.raises(ValueError, match="a list of 2, and `questions` one of 3"):
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
    with pytest.raises(ValueError, match="half a character at place 4"):
        vqa.answer(images[0], "what\ud800?")


def test_a_batch_of_a_dataset_is_asked_as_it_is(vqa, dataset, scenes):
    batch = next(iter(batch_samples(dataset, 2)))
    pictures = [row["image"] for row in scenes[:2]]
    expected = vqa.answer(pictures, [row["question"] for row in scenes[:2]])
    assert vqa.answer(batch["image"], batch["question"]) == expected
    sample = next(dataset.as_numpy_iterator())
    assert vqa.answer(sample["image"], sample["question"]) == expected[0]
    first = tf.constant([row["question"][0] for row in scenes[:2]])
    assert vqa.answer(batch["image"], first) == [row[0] for row in expected]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": "3"}, "`top_k` must be an integer. Received: top_k='3'"),
        ({"top_k": 2.0}, "`top_k` must be an integer. Received: top_k=2.0"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1.*=0"),
        ({"batch_size": 1.5}, "`batch_size` must be an integer"),
    ],
)
def test_options_that_are_no_fitting_numbers(vqa, images, options, message):
    with pytest.raises(ValueError, match=message):
        vqa.answer(images[0], BACKGROUND, **options)


def test_integers_of_numpy_are_integers(vqa, images):
    found = vqa.answer(images[0], BACKGROUND, top_k=np.int64(2), batch_size=np.int8(3))
    assert len(found) == 2


def test_only_one_picture_is_explained(vqa, images):
    with pytest.raises(ValueError, match="one picture, not a list.* a list of 1"):
        vqa.explain(images[:1], BACKGROUND)
    with pytest.raises(ValueError, match="`image` must be a picture"):
        vqa.explain(None, BACKGROUND)
    with pytest.raises(ValueError, match="a batch of 2"):
        vqa.explain(tf.constant(images[:2]), BACKGROUND)
    with pytest.raises(ValueError, match="`question` must be one string"):
        vqa.explain(images[0], [BACKGROUND])


def test_odd_questions_get_an_answer(vqa, images):
    odd = ["what " * 2000, "背景是什么颜色？", "🙂🙂", "?"]
    assert all(isinstance(answer, str) for answer in vqa.answer(images[0], odd))


def test_broken_pictures(vqa, images):
    with pytest.raises(ValueError, match="image 1: unknown image format"):
        vqa.answer([images[0], b"bad"], BACKGROUND)
    found = vqa.answer([images[0], b"bad"], [[BACKGROUND] * 2] * 2, on_error="skip")
    assert found[1] == [None, None]
    assert all(isinstance(answer, str) for answer in found[0])
    with pytest.raises(ValueError, match="on_error='drop'"):
        vqa.answer(images[0], BACKGROUND, on_error="drop")


def test_broken_pictures_in_fit_are_skipped(dataset, scenes):
    rows = [{**row, "image": b"bad"} if i == 3 else row for i, row in enumerate(scenes)]
    vqa = make(dataset)
    vqa.compile("adam")
    with pytest.warns(UserWarning, match="1 images could not be used"):
        history = vqa.fit(
            to_dataset(rows), batch_size=16, verbose=0, on_error="skip"
        ).history
    assert history["skipped_images"] == [1]


def test_explain(vqa, images):
    explanation = vqa.explain(images[0], BACKGROUND)
    (best,) = vqa.answer(images[0], BACKGROUND, top_k=1)
    assert explanation.answer == best[0]
    assert explanation.score == pytest.approx(best[1], abs=1e-5)
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
    assert explanation.image_gradient.min() >= 0
    assert explanation.image_gradient.max() <= 1
    assert explanation.image_attention is None
    assert vqa.explain(images[0], BACKGROUND, answer="yes").answer == "yes"
    with pytest.raises(ValueError, match="cannot answer 'seven hundred'"):
        vqa.explain(images[0], BACKGROUND, answer="seven hundred")


def test_an_explanation_of_a_block_that_attends_is_drawn(dataset, images, tmp_path):
    vqa = make(dataset, fusion="bidirectional_cross_attention")
    explanation = vqa.explain(images[0], BACKGROUND)
    assert explanation.image_attention.sum() == pytest.approx(1, abs=1e-5)
    assert explanation.text_attention.sum() == pytest.approx(1, abs=1e-5)
    assert len(explanation.text_attention) == len(explanation.tokens)
    explanation.plot(tmp_path / "answer.png")
    assert (tmp_path / "answer.png").stat().st_size > 10_000


def test_modality_heads_carry_their_own_losses(dataset):
    vqa = make(dataset, modality_heads=True)
    vqa.compile("adam", loss_weights={"answer": 1.0, "image": 0.25, "text": 0.5})
    losses = vqa.fit(dataset, epochs=2, batch_size=16, verbose=0).history
    for epoch in range(2):
        parts = (losses[f"{n}_loss"][epoch] for n in ("answer", "image", "text"))
        fused, image, text = parts
        # L = l + α_v l_v + α_t l_t
        expected = fused + 0.25 * image + 0.5 * text
        assert losses["loss"][epoch] == pytest.approx(expected, rel=1e-3)
    assert 0 <= losses["answer_accuracy"][1] <= 1


def test_late_fusion_scores_the_answers_itself(dataset, images):
    vqa = make(dataset, fusion="late")
    assert vqa.backbone.question_reader.head is None
    assert vqa.backbone.fusion.dim == len(vqa.preprocessor.answers)
    assert isinstance(vqa.answer(images[0], BACKGROUND), str)


def test_a_fusion_block_of_ones_own(dataset):
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
    with pytest.raises(ValueError, match="cannot give: \\['perhaps'\\]"):
        vqa.compile("adam", answer_weights={"perhaps": 2.0})


@pytest.mark.parametrize("name", ["num_answers", "min_answer_count"])
def test_there_is_at_least_one_answer(dataset, name):
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


def test_a_preset_of_another_language_is_refused(vqa):
    with pytest.raises(ValueError, match="knows no word of the first"):
        vqa.evaluate(to_dataset(tiny_rows(4, "zh")), verbose=0)


def test_samples_without_answers(vqa, scenes):
    rows = [{k: v for k, v in row.items() if k != "answer"} for row in scenes[:4]]
    with pytest.raises(ValueError, match="'answer'"):
        vqa.evaluate(to_dataset(rows), verbose=0)


def test_adapters_are_put_on_the_parts_that_can_have_them(dataset):
    """A GRU has no dense layer; the fusion block has."""
    task = VisualQA.from_data(
        dataset, image_size=32, hidden_dim=16, text_encoder="gru", fusion="gated"
    )
    task.enable_lora(rank=2)
    names = {weight.path for weight in task.trainable_weights}
    assert names and all("lora" in name for name in names)
    with pytest.raises(ValueError, match="no `Dense`"):
        task.enable_lora(rank=2, parts=["text_encoder"])


def test_answers_that_cannot_be_given_are_pointed_out(vqa, dataset):
    foreign = dataset.map(
        lambda row: {**row, "answer": tf.strings.join([row["answer"], "-x"])}
    )
    with pytest.warns(UserWarning, match="None of the first .*-x' ….*from_data"):
        results = vqa.evaluate(foreign, verbose=0)
    assert results["accuracy"] == 0
