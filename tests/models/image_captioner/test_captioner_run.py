import pytest

from mmkeras.models import CaptionerRun

pytestmark = pytest.mark.fast


def test_arguments_by_role():
    run = CaptionerRun(
        data="a", output="b", captions="c.csv", hidden_dim=64, encoder_rate=0.5
    )
    assert run.arguments("data") == {"images": None, "captions": "c.csv"}
    assert run.arguments("compile") == {
        "learning_rate": None,
        "captions_per_image": 1,
        "learning_rate_factors": {"image_encoder": 0.5},
    }
    model = run.arguments("model")
    assert (model["hidden_dim"], model["sequence_length"]) == (64, None)
    assert not {"epochs", "encoder_rate", "captions"} & set(model)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "`epochs` must be an integer of at least 1"),
        ({"validation_fraction": 1}, "`validation_fraction` must be .* less than 1"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be greater than 0"),
        ({"encoder_rate": 0.0}, "`encoder_rate` must be greater than 0"),
        ({"on_error": "stop"}, "`on_error` must be 'raise' or 'skip'"),
        ({"long_captions": "fold"}, "`long_captions` must be 'error' or 'cut'"),
        ({"num_layers": 0}, "`num_layers` must be an integer of at least 1"),
    ],
)
def test_bad_settings(setting, message):
    with pytest.raises(ValueError, match=message):
        CaptionerRun(data="data", output="output", **setting)
