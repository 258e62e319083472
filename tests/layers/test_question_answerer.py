import pytest

from mmkeras.layers import RecurrentTextEncoder
from mmkeras.layers.fusion import GatedFusion
from mmkeras.layers.question_answerer import QuestionAnswerer


@pytest.mark.parametrize("rates", [0.1, ["image"], {"audio": 0.1}, {"text": "0.1"}])
def test_modality_dropout_is_a_share_of_each(rates):
    text_encoder = RecurrentTextEncoder(10, 4)
    with pytest.raises(ValueError, match="`modality_dropout` must be a dict") as error:
        QuestionAnswerer(text_encoder, GatedFusion(4), 3, modality_dropout=rates)
    assert f"modality_dropout={rates!r}" in str(error.value)
