import keras
import pytest

from mmkeras.arguments import refuse_unknown_arguments
from mmkeras.layers import ImageEncoder
from mmkeras.models import (
    GenerativeVisualQA,
    ImageCaptioner,
    ImageCaptionerBackbone,
    VisualQA,
    small_cnn,
)
from tests.conftest import SIDE


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        (VisualQA, {"fusoin": "film"}, "`fusoin`. Did you mean `fusion`?"),
        (VisualQA, {"dropuot": 0.5}, "`dropuot`. Did you mean `dropout`?"),
        (GenerativeVisualQA, {"num_answers": 5}, "GenerativeVisualQA.from_data has"),
        (GenerativeVisualQA, {"modality_heads": True}, "argument `modality_heads`"),
        (ImageCaptioner, {"image_szie": 64}, "Did you mean `image_size`"),
        # It is `sequence_length` here.
        (ImageCaptioner, {"max_length": 9}, "argument `max_length`"),
    ],
)
def test_from_data_refuses_unknown_arguments(dataset, task, given, message):
    with pytest.raises(TypeError) as error:
        task.from_data(dataset, **given)
    assert message in str(error.value)
    assert "trainable_encoder" in str(error.value).split("Its arguments are:")[1]


def test_a_backbone_refuses_unknown_arguments():
    encoder = ImageEncoder(small_cnn(SIDE))
    with pytest.raises(TypeError, match="Did you mean `feature_dropout`"):
        ImageCaptionerBackbone(encoder, 10, 8, feature_dropuot=0.5)


def test_arguments_of_keras_are_passed_on(dataset):
    vqa = VisualQA.from_data(
        dataset,
        image_size=SIDE,
        hidden_dim=8,
        fusion="gated",
        name="mine",
        dtype=keras.DTypePolicy("mixed_bfloat16"),
    )
    assert vqa.backbone.name == "mine"
    assert vqa.backbone.compute_dtype == "bfloat16"


def test_by_hand():
    def function(a, b, *rest, long_name=1, **others):
        pass

    refuse_unknown_arguments(["a", "long_name", "name", "dtype"], "f", function)
    with pytest.raises(TypeError) as error:
        refuse_unknown_arguments(["zzz"], "f", function, but=["b"])
    assert str(error.value) == (
        "f has no argument `zzz`. Its arguments are: a, long_name."
    )
    with pytest.raises(TypeError, match="`b`"):
        refuse_unknown_arguments(["b"], "f", function, but=["b"])
    with pytest.raises(TypeError, match="Did you mean `long_name`"):
        refuse_unknown_arguments(["longname"], "f", function, lambda other: None)
