from __future__ import annotations

import dataclasses
import typing

from mmkeras.models.run import Run

_AT_LEAST = {
    "image_size": 1,
    "vocabulary_size": 1,
    "sequence_length": 1,
    "hidden_dim": 1,
    "num_layers": 1,
    "limit": 1,
    "epochs": 1,
    "batch_size": 1,
    "captions_per_image": 1,
    "patience": 0,
    "lora_rank": 1,
    "seed": 0,
}

_OF_A_NEW_MODEL = frozenset(
    {
        "image_encoder",
        "image_size",
        "trainable_encoder",
        "vocabulary_size",
        "sequence_length",
        "long_captions",
        "hidden_dim",
        "num_layers",
        "dropout",
    }
)


@dataclasses.dataclass(frozen=True)
class CaptionerRun(Run):
    """Everything that decides what a training of a captioner makes.

    Args:
        data: string: a folder (`mmkeras.data.from_folder`); an annotation file
            that names its pictures, `"coco:FILE.json"`, `"karpathy:FILE.json"`,
            `"flickr:FILE"` or `"conceptual:FILE.tsv"` (`mmkeras.data.from_coco` and
            so on); or the name of a dataset in TFDS.
        output: string, folder for the preset and the record of the run.
        preset: string, folder of a preset to go on from with its model and its
            vocabulary, or `None` for a new captioner.
        captions: string, table of captions of a folder, or `None`.
        images: string, folder of the pictures of an annotation file, or `None`.
        image_encoder: string, as `ImageCaptioner.from_data` takes it.
        image_size: int, or `None` for the encoder's own.
        trainable_encoder: bool, or `None` for the encoder's own.
        unfreeze_layers: int, how many of the image encoder's last layers are trained
            (`ImageEncoder.unfreeze`), or `None` to leave them as they are.
        encoder_rate: float, by which the learning rate of the image encoder is
            multiplied.
        vocabulary_size: int.
        sequence_length: int.
        long_captions: string, `"error"` or `"cut"`.
        hidden_dim: int.
        num_layers: int.
        dropout: float.
        feature_cache: string, folder to keep the features of a frozen image
            encoder in (`ImageCaptioner.cache_features`), or `None` to keep them for
            the time of the training where `fit` can.
        validation_fraction: float, share of the training data held out where
            the data have no validation split; 0 for no validation at all.
        limit: int, the most training samples used, or `None`.
        epochs: int.
        batch_size: int, pictures a step.
        captions_per_image: int, captions of each picture that a step learns from
            (`ImageCaptioner.compile`).
        learning_rate: float.
        patience: int, epochs without a better validation loss before it stops.
        seed: int.
        on_error: string, what to do with a picture that cannot be read: `"raise"`
            or `"skip"`.
        lora_rank: int, of the low-rank adapters that are trained in place of the
            preset's weights (`enable_lora`), or `None` to train the weights.

    Raises:
        ValueError: if a setting is of the wrong type or out of range.
    """

    data: str
    output: str
    preset: str | None = None
    captions: str | None = None
    images: str | None = None
    image_encoder: str = "small_cnn"
    image_size: int | None = None
    trainable_encoder: bool | None = None
    unfreeze_layers: int | None = None
    encoder_rate: float = 1.0
    vocabulary_size: int = 8000
    sequence_length: int = 40
    long_captions: str = "error"
    hidden_dim: int = 128
    num_layers: int = 2
    dropout: float = 0.1
    feature_cache: str | None = None
    validation_fraction: float = 0.1
    limit: int | None = None
    epochs: int = 10
    batch_size: int = 32
    captions_per_image: int = 1
    learning_rate: float = 3e-3
    patience: int = 3
    seed: int = 0
    on_error: str = "raise"
    lora_rank: int | None = None

    at_least: typing.ClassVar[dict[str, int]] = _AT_LEAST
    of_a_new_model: typing.ClassVar[frozenset[str]] = _OF_A_NEW_MODEL

    def _check(self) -> None:
        self._check_shares("dropout", "validation_fraction")
        self._check_choice("on_error", "raise", "skip")
        self._check_positive("learning_rate", "encoder_rate")
        self._check_preset()
        self._check_lora(unfreeze_layers=None, encoder_rate=1.0)
