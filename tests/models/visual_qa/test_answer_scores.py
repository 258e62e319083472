import numpy as np
import pytest
import tensorflow as tf

from mmkeras.models.visual_qa.answer_scores import answer_key, answer_scores
from mmkeras.models.visual_qa.frequent_answers import frequent_answers

pytestmark = pytest.mark.fast

KNOWN = ["yes", "no", "two"]


def places(keys):
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(KNOWN, [0, 1, 2]), -1
    )
    return table.lookup(keys)


def scores(answers):
    return answer_scores(tf.constant(answers), places, 3).numpy()


def test_one_answer_scores_one():
    np.testing.assert_array_equal(scores([["no"]]), [[0, 1, 0]])


def test_ten_annotators():
    # Five said yes: whoever is left out, 4 or 5 of 9 say it, so min(1, 4/3) = 1.
    # Three said no: left out thrice with 2/3, seven times with 3/3: 0.9.
    # Two said two: left out twice with 1/3, eight times with 2/3: 0.6.
    answers = ["yes"] * 5 + ["no"] * 3 + ["two"] * 2
    np.testing.assert_allclose(scores([answers]), [[1, 0.9, 0.6]], rtol=1e-6)


def test_one_of_ten_annotators():
    # Left out once with 0, nine times with 1/3: 0.3. Others are not known.
    answers = ["yes"] + [f"thing {i}" for i in range(9)]
    np.testing.assert_allclose(scores([answers]), [[0.3, 0, 0]], rtol=1e-6)


def test_padding_is_no_annotator():
    np.testing.assert_array_equal(scores([["no", "", ""]]), [[0, 1, 0]])
    np.testing.assert_array_equal(scores([["", "", ""]]), [[0, 0, 0]])


def test_an_unknown_answer_scores_nothing():
    np.testing.assert_array_equal(scores([["purple"]]), [[0, 0, 0]])


def test_case_and_spaces_do_not_count():
    keys = answer_key(tf.constant([" A  Cat\n", "ÉTÉ", "两 只"]))
    assert [key.decode() for key in keys.numpy()] == ["a cat", "été", "两 只"]


def test_the_most_frequent_answers_as_they_are_mostly_written():
    answers = ["Cat", "cat", "Cat", "dog", "dog", "bird", " ", "ant"]
    # cat 3 (mostly "Cat"), dog 2, then ant before bird.
    assert frequent_answers(answers) == ["Cat", "dog", "ant", "bird"]
    assert frequent_answers(answers, number=3) == ["Cat", "dog", "ant"]
    assert frequent_answers(answers, min_count=2) == ["Cat", "dog"]


def test_no_answer_is_frequent_enough():
    with pytest.raises(ValueError, match="No answer occurs 2 times"):
        frequent_answers(["a", "b"], min_count=2)
    with pytest.raises(ValueError, match="No answer"):
        frequent_answers([])


def test_numbers_below_one_are_refused():
    with pytest.raises(ValueError, match="number=0"):
        frequent_answers(["a"], number=0)
