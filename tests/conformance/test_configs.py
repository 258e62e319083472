"""Losses, metrics, optimizers, initializers and preprocessing are restored by config.

A new one is tested by being added here.
"""

import keras
import pytest

from mmkeras.layers.aligned_glorot_uniform import AlignedGlorotUniform
from mmkeras.losses import (
    AnswerCrossentropy,
    MaskedCrossentropy,
    SoftScoreCrossentropy,
)
from mmkeras.metrics import (
    AnswerAccuracy,
    ExpectedCalibrationError,
    Perplexity,
    RetrievalRecall,
    TokenAccuracy,
)
from mmkeras.optimizers import ConvMuon, LayerwiseOptimizer, WarmupCosine
from mmkeras.preprocessing import (
    BertTokenizer,
    ImageConverter,
    WordPieceTokenizer,
    WordTokenizer,
)

pytestmark = pytest.mark.fast

# How each one is made, with other arguments than the defaults.
CONFIGURED = {
    "aligned_glorot_uniform": lambda: AlignedGlorotUniform(seed=3),
    "answer_accuracy": lambda: AnswerAccuracy(name="mine"),
    "answer_crossentropy": lambda: AnswerCrossentropy(0.1, [1.0, 2.0]),
    "bert_tokenizer": lambda: BertTokenizer(sequence_length=9),
    "conv_muon": lambda: ConvMuon(0.01, clipnorm=0.5),
    "expected_calibration_error": lambda: ExpectedCalibrationError(5, True),
    "image_converter": lambda: ImageConverter(8, 2.0, -1.0, 99, True),
    "layerwise_optimizer": lambda: LayerwiseOptimizer(
        keras.optimizers.SGD(0.1), {"head": 0.5}
    ),
    "masked_crossentropy": lambda: MaskedCrossentropy(0.1, reduction="sum"),
    "perplexity": lambda: Perplexity(name="mine"),
    "retrieval_recall": lambda: RetrievalRecall(5),
    "soft_score_crossentropy": lambda: SoftScoreCrossentropy("softmax"),
    "token_accuracy": lambda: TokenAccuracy(name="mine"),
    "warmup_cosine": lambda: WarmupCosine(0.1, total_steps=9, start_step=2),
    "word_piece_tokenizer": lambda: WordPieceTokenizer(lowercase=False),
    "word_tokenizer": lambda: WordTokenizer(punctuation="!", separator="_"),
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_config_round_trip(name):
    made = CONFIGURED[name]()
    config = keras.saving.serialize_keras_object(made)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()
