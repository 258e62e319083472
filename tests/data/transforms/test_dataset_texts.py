import pytest
import tensorflow as tf

from mmkeras.data import (
    answer_texts,
    batch_samples,
    caption_texts,
    from_question_csv,
    question_texts,
)


@pytest.fixture
def dataset():
    rows = [
        {"image": "0", "question": ["what?", "这是什么？"], "answer": ["cat", "猫"]},
        {"image": "1", "question": [""], "answer": ["dog"]},
    ]
    spec = {key: tf.TensorSpec([None], tf.string) for key in rows[0]}
    spec["image"] = tf.TensorSpec([], tf.string)
    return tf.data.Dataset.from_generator(lambda: rows, output_signature=spec)


def test_questions_and_answers_batched_or_not(dataset):
    for form in (dataset, batch_samples(dataset, 2)):
        assert list(question_texts(form)) == ["what?", "这是什么？"]
        assert list(answer_texts(form)) == ["cat", "猫", "dog"]


def test_images_of_a_source_are_not_read(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"no image")
    table = tmp_path / "questions.csv"
    table.write_text("image,question,answer\ncat.png,what?,cat\n")
    dataset = from_question_csv(table)
    (tmp_path / "cat.png").unlink()
    assert list(question_texts(dataset)) == ["what?"]
    assert list(answer_texts(dataset)) == ["cat"]
    with pytest.raises(tf.errors.NotFoundError):
        next(iter(dataset))


def test_answers_of_several_people(dataset):
    def annotated(sample):
        return {"answers": tf.stack([sample["answer"]] * 2, 1)}

    assert list(answer_texts(dataset.map(annotated)))[:3] == ["cat", "cat", "猫"]
    both = dataset.map(lambda sample: sample | annotated(sample))
    assert list(answer_texts(both)) == ["cat", "猫", "dog"]


def test_no_such_texts(dataset):
    with pytest.raises(ValueError, match="the key 'caption' or 'captions'"):
        list(caption_texts(dataset))
    with pytest.raises(ValueError, match="the key 'question'"):
        list(question_texts(tf.data.Dataset.range(3)))
    with pytest.raises(TypeError, match="Expected a `tf.data.Dataset`"):
        list(answer_texts([]))
