import pytest
import tensorflow as tf

from mmkeras.models import written_answers


def numbered(dataset):
    """Samples with a `question_id` for each question: `"3-0"`, `"3-1"`, ..."""

    def add(row):
        numbers = tf.strings.as_string(tf.range(tf.size(row["question"])))
        return {**row, "question_id": row["image_id"] + "-" + numbers}

    return dataset.map(add)


def test_answers_by_question_id(vqa, dataset, scenes):
    found = written_answers(vqa, numbered(dataset.take(5)), batch_size=2)
    wanted = {}
    for row in scenes[:5]:
        answers = vqa.answer(row["image"], row["question"])
        wanted |= {f"{row['image_id']}-{i}": text for i, text in enumerate(answers)}
    assert found == wanted and list(found) == list(wanted)
    assert {type(answer) for answer in found.values()} == {str}


def test_duplicate_and_missing_ids(vqa, dataset):
    with pytest.raises(ValueError, match="The question_id 0-0 is duplicated"):
        written_answers(vqa, numbered(dataset.take(1)).repeat(2))
    with pytest.raises(ValueError, match="the samples need 'question_id'"):
        written_answers(vqa, dataset)
