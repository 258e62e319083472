import keras
import pytest

from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.layers import ImageEncoder
from mmkeras.models import GenerativeVisualQA, ImageCaptioner, VisualQA, small_cnn
from mmkeras.models.image_captioner.image_captioner_backbone import (
    ImageCaptionerBackbone,
)
from tests.conftest import SIDE


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        (VisualQA, {"fusoin": "film"}, "no `fusoin`. Did you mean `fusion`"),
        (VisualQA, {"dropuot": 0.5}, "no `dropuot`. Did you mean `dropout`"),
        (
            VisualQA,
            {"num_layers": 3},
            "Did you mean `num_answers` or `num_encoder_layers`",
        ),
        (GenerativeVisualQA, {"num_answers": 5}, "GenerativeVisualQA.from_data has"),
        (GenerativeVisualQA, {"modality_heads": True}, "no `modality_heads`"),
        (ImageCaptioner, {"image_szie": 64}, "Did you mean `image_size`"),
        # It is set from `sequence_length`.
        (ImageCaptioner, {"max_length": 9}, "no `max_length`"),
    ],
)
def test_from_data_refuses_what_it_does_not_know(dataset, task, given, message):
    with pytest.raises(TypeError) as error:
        task.from_data(dataset, **given)
    assert message in str(error.value)
    assert "trainable_encoder" in str(error.value).split("It takes:")[1]


def test_a_backbone_refuses_what_it_does_not_know():
    encoder = ImageEncoder(small_cnn(SIDE))
    with pytest.raises(TypeError, match="Did you mean `feature_dropout`"):
        ImageCaptionerBackbone(encoder, 10, 8, feature_dropuot=0.5)


def test_what_keras_takes_is_passed_on(dataset):
    vqa = VisualQA.from_data(
        dataset,
        image_size=SIDE,
        hidden_dim=8,
        fusion="gated",
        name="mine",
        dtype=keras.DTypePolicy("float32"),
    )
    assert vqa.backbone.name == "mine"


def test_nothing_close_is_not_guessed_at():
    with pytest.raises(TypeError) as error:
        refuse_unknown_arguments(["zzz"], "f", lambda a, b, **others: None)
    assert str(error.value) == "f has no argument `zzz`. Its arguments are: a, b."
