import collections

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import balance, batch_samples, class_weights

# Of yes 4, of no 2, of red 1.
IMAGES = [
    ("0", ["yes", "no", "yes"]),
    ("1", ["yes", "red"]),
    ("2", ["no", "yes"]),
]


def questions(images=IMAGES):
    """Samples of several questions, the text of which says which they are."""

    def samples():
        for name, answers in images:
            numbered = [f"{name}.{number}" for number in range(len(answers))]
            yield {
                "image": name,
                "captions": ["a", "b"],
                "question": numbered,
                "answer": answers,
                "answers": [[answer] * 2 for answer in answers],
            }

    strings = tf.TensorSpec([None], tf.string)
    spec = {
        "image": tf.TensorSpec([], tf.string),
        "captions": strings,
        "question": strings,
        "answer": strings,
        "answers": tf.TensorSpec([None, 2], tf.string),
    }
    return tf.data.Dataset.from_generator(samples, output_signature=spec)


def read(dataset):
    return [
        (
            sample["image"].decode(),
            [text.decode() for text in sample["question"]],
            [text.decode() for text in sample["answer"]],
        )
        for sample in dataset.as_numpy_iterator()
    ]


def counted(dataset):
    return collections.Counter(a for _, _, answers in read(dataset) for a in answers)


def test_oversampling_brings_all_to_the_most_frequent():
    found = read(balance(questions()))
    # Of no there are 2 and of red 1: each no is repeated 4 / 2 = 2 times, red 4 times.
    assert found == [
        ("0", ["0.0", "0.1", "0.2"], ["yes", "no", "yes"]),
        ("0", ["0.1"], ["no"]),
        ("1", ["1.0", "1.1"], ["yes", "red"]),
        ("1", ["1.1"], ["red"]),
        ("1", ["1.1"], ["red"]),
        ("1", ["1.1"], ["red"]),
        ("2", ["2.0", "2.1"], ["no", "yes"]),
        ("2", ["2.0"], ["no"]),
    ]


def test_oversampling_to_a_target_draws_the_rest():
    # 3 = 2 + 1: both no once, and one of them again. Yes is above and stays.
    dataset = balance(questions(), target=3)
    assert counted(dataset) == {"yes": 4, "no": 3, "red": 3}
    asked = collections.Counter(q for _, some, _ in read(dataset) for q in some)
    assert sorted((asked["0.1"], asked["2.0"])) == [1, 2]
    drawn = {read(balance(questions(), target=3, seed=s))[1][0] for s in range(4)}
    assert drawn == {"0", "1"}


def test_undersampling_leaves_questions_and_images_out():
    dataset = balance(questions(), method="undersample")
    assert counted(dataset) == {"yes": 1, "no": 1, "red": 1}
    assert read(dataset) == read(dataset)
    # Image 1 has red and stays; at most two others have yes and no.
    assert dataset.cardinality() == len(read(dataset)) <= 3
    dataset = balance(questions(), method="undersample", target=2)
    assert counted(dataset) == {"yes": 2, "no": 2, "red": 1}


def test_values_of_a_question_are_kept_with_it():
    for sample in balance(questions(), method="undersample").as_numpy_iterator():
        assert sample["answers"][:, 0].tolist() == sample["answer"].tolist()
        assert len(sample["question"]) == len(sample["answer"])
        assert len(sample["captions"]) == 2


def test_one_question_a_sample():
    columns = {"image": list("abcd"), "answer": ["yes", "yes", "", "no"]}
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    names = [s["image"].decode() for s in balance(dataset).as_numpy_iterator()]
    # The one without an answer is not counted and stays.
    assert names == ["a", "b", "c", "d", "d"]
    labelled = tf.data.Dataset.from_tensor_slices(
        {"image": ["a", "b", "c"]}
    ).enumerate()
    labelled = labelled.map(lambda i, sample: {**sample, "label": tf.minimum(i, 1)})
    assert len(list(balance(labelled, by="label"))) == 4


def test_another_order_is_refused():
    columns = {"image": [str(i) for i in range(20)], "answer": ["a", "b"] * 10}
    shuffled = tf.data.Dataset.from_tensor_slices(columns).shuffle(20)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="the same order at each pass"
    ):
        list(balance(shuffled))


def test_bad_balance():
    for arguments, message in (
        ({"method": "smote"}, "`method` must be 'oversample' or 'undersample'"),
        ({"target": 0}, "`target` must be at least 1"),
        ({"by": "label"}, "have no 'label'"),
        ({"by": "answers"}, "by='answers'"),
        ({"by": "captions"}, "by='captions'"),
    ):
        with pytest.raises(ValueError, match=message):
            balance(questions(), **arguments)
    with pytest.raises(ValueError, match="before the samples are batched"):
        balance(batch_samples(questions(), 2))
    with pytest.raises(ValueError, match="nothing to balance"):
        balance(questions([("0", [""])]))
    with pytest.raises(ValueError, match="nothing to balance"):
        balance(questions().take(0))
    with pytest.raises(TypeError, match="Expected a `tf.data.Dataset`"):
        balance([])


def test_inverse_weights():
    # 7 samples of 3 answers: 7 / (3 n).
    expected = {"yes": 7 / 12, "no": 7 / 6, "red": 7 / 3}
    weights = class_weights(questions())
    assert weights == pytest.approx(expected)
    assert list(weights) == ["yes", "no", "red"]
    assert class_weights({"red": 1, "no": 2, "yes": 4}) == pytest.approx(expected)
    assert class_weights(batch_samples(questions(), 2)) == pytest.approx(expected)


def test_effective_number():
    # At beta 1/2 the weights of n = 1, 2 are 1/2 / (1 - 1/2) = 1 and
    # 1/2 / (1 - 1/4) = 2/3, their sum over the samples 1 + 2 · 2/3 = 7/3, times 9/7.
    weights = class_weights({"a": 1, "b": 2}, method="effective_number", beta=0.5)
    assert weights == pytest.approx({"b": 6 / 7, "a": 9 / 7})
    weights = class_weights({"a": 1, "b": 900}, method="effective_number", beta=0)
    assert weights == pytest.approx({"a": 1, "b": 1})
    near = class_weights({"a": 1, "b": 9}, method="effective_number", beta=1 - 1e-9)
    assert near == pytest.approx(class_weights({"a": 1, "b": 9}), rel=1e-6)
    counts = {str(n): n for n in (1, 10, 5000)}
    weights = class_weights(counts, method="effective_number")
    assert np.average(
        list(weights.values()), weights=sorted(counts.values())[::-1]
    ) == (pytest.approx(1))


def test_bad_weights():
    for arguments, message in (
        ({"method": "square"}, "`method` must be 'inverse' or 'effective_number'"),
        ({"beta": 1.0}, "`beta` must be at least 0 and less than 1"),
        ({"by": "label"}, "key 'label'"),
    ):
        with pytest.raises(ValueError, match=message):
            class_weights(questions(), **arguments)
    with pytest.raises(ValueError, match="'a' occurs 0 times"):
        class_weights({"a": 0})
    with pytest.raises(ValueError, match="no answers to weigh"):
        class_weights({})
