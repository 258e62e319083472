import pytest

from mmkeras.models import GenerativeVisualQARun, VisualQARun

pytestmark = pytest.mark.fast


def test_dropouts_are_one_argument_of_the_model():
    run = VisualQARun(data="a", output="b", image_dropout=0.2, text_dropout=0.0)
    model = run.arguments("model")
    assert model["modality_dropout"] == {"image": 0.2, "text": 0.0}
    assert not {"image_dropout", "text_dropout"} & set(model)
    assert (model["num_answers"], model["min_answer_count"]) == (3000, 1)


def test_arguments_of_the_data():
    run = GenerativeVisualQARun(data="a", output="b", questions="q.csv")
    wanted = {"images": None, "questions": "q.csv", "annotations": None}
    assert run.arguments("data") == wanted


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"sequence_length": 2}, "`sequence_length` must be an integer of at least 3"),
        ({"image_dropout": 1.0}, "`image_dropout` must be .* less than 1"),
        ({"num_answers": 0}, "`num_answers` must be an integer of at least 1"),
    ],
)
def test_bad_settings(setting, message):
    with pytest.raises(ValueError, match=message):
        VisualQARun(data="a", output="b", **setting)
