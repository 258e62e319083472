from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from mmkeras.arguments import refuse_unknown_arguments, whole_number
from mmkeras.data import caption_texts
from mmkeras.decoding import DecodingOptions, DecodingResult
from mmkeras.layers import ImageEncoder
from mmkeras.losses import MaskedCrossentropy
from mmkeras.metrics import Perplexity, TokenAccuracy
from mmkeras.models.choose_length import choose_length
from mmkeras.models.encoders.image_encoders import build_image_encoder
from mmkeras.models.image_captioner.caption_signatures import caption_signatures
from mmkeras.models.image_captioner.caption_static_form import caption_static_form
from mmkeras.models.image_captioner.image_captioner_backbone import (
    ImageCaptionerBackbone,
)
from mmkeras.models.image_captioner.image_captioner_preprocessor import (
    ImageCaptionerPreprocessor,
)
from mmkeras.models.image_captioner.spec import SPEC
from mmkeras.models.image_task import ImageTask
from mmkeras.models.read_texts import read_texts
from mmkeras.models.registry import register_task
from mmkeras.models.text_generator import TextGenerator
from mmkeras.preprocessing import ImageConverter, WordPieceTokenizer, load_images
from mmkeras.preprocessing.images.load_images import refuse_bad_images
from mmkeras.preprocessing.text.special_tokens import SPECIAL_TOKENS
from mmkeras.runtime.caption import Caption

if TYPE_CHECKING:
    from mmkeras.export import StaticForm
    from mmkeras.models import CaptionerRun

# Enough to detect a vocabulary of another language, few enough to read at once.
_TEXTS_CHECKED = 32


@register_task(SPEC)
@keras.saving.register_keras_serializable(package="mmkeras")
class ImageCaptioner(ImageTask):
    """Writes captions of images.

    Args:
        backbone: an `ImageCaptionerBackbone`.
        preprocessor: an `ImageCaptionerPreprocessor`.
        compile: bool, whether to compile with the defaults of `compile`.

    Call arguments:
        inputs: dict of `images`, float32 `[batch, size, size, 3]`, or
            `image_features`, float `[batch, regions, channels]` (the image encoder's
            features of the images), and `token_ids`, int32 `[batch, length]`, or
            `[batch, captions, length]` for several captions of each image.

    Output shape:
        float32 logits `[batch, (captions,) length, vocabulary_size]`.

    Example:
        ```python
        train, test = mmkeras.data.load("emoji_scenes/small", split=("train", "test"))
        captioner = mmkeras.models.ImageCaptioner.from_data(train)
        captioner.fit(train, validation_data=test, epochs=5)
        captioner.generate("photo.jpg", num_beams=4)
        ```

    Reference:
        - [Xu et al., 2015](https://arxiv.org/abs/1502.03044)
        - [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
    """

    backbone_cls = ImageCaptionerBackbone
    preprocessor_cls = ImageCaptionerPreprocessor
    parts = ("image_encoder", "region_encoder", "text_decoder")
    lora_parts = ("region_encoder", "text_decoder")
    default_learning_rate = 3e-3
    preset_assets = ("assets/tokenizer/vocabulary.txt",)

    def __init__(
        self,
        backbone: ImageCaptionerBackbone,
        preprocessor: ImageCaptionerPreprocessor,
        compile: bool = True,
        **kwargs: Any,
    ):
        self._generator = _text_generator(backbone, preprocessor)
        # Set by `compile`; a model that is only loaded is not compiled.
        self._word_loss = 0.0
        self._captions_per_image = 1
        super().__init__(backbone, preprocessor, compile=compile, **kwargs)

    @classmethod
    def from_data(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: str | os.PathLike | keras.Model | ImageEncoder = "small_cnn",
        image_size: int | None = None,
        vocabulary_size: int = 8000,
        sequence_length: int | None = None,
        long_captions: str = "error",
        hidden_dim: int = 128,
        num_layers: int = 2,
        trainable_encoder: bool | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> ImageCaptioner:
        """Creates a captioner with the vocabulary of a dataset.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts with `caption` or
                `captions`.
            image_encoder: string, `"small_cnn"` (trained from scratch),
                `"efficientnet_lite0"`, `"efficientnet_lite1"`,
                `"efficientnet_lite2"` (with ImageNet weights); or a
                `keras.Model` from images to a feature map, or an `ImageEncoder`; or
                the path of a Keras 2 model (`mmkeras.keras2.load_tf_keras`), which is
                given pixels of 0 to 255.
            image_size: int, side in pixels, or `None` for the encoder's own.
            vocabulary_size: int, maximum number of tokens to learn.
            sequence_length: int, maximum number of tokens of a caption with its end
                token; `None` for that of the longest caption, at most 128.
            long_captions: string, what to do with captions longer than a given
                `sequence_length`: `"error"` to refuse them, `"cut"` to train on their
                beginning.
            hidden_dim: int, dimension of regions and tokens.
            num_layers: int, transformer blocks of encoder and decoder each;
                `num_encoder_layers` and `num_decoder_layers` set them separately.
            trainable_encoder: bool, whether to train the image encoder; `None` to
                train it unless it is pretrained.
            seed: int, random seed, or `None`.
            **kwargs: passed to `ImageCaptionerBackbone`, e.g. `dropout=0.2`.

        Returns:
            An `ImageCaptioner`, compiled with the defaults.

        Raises:
            TypeError: if an argument is unknown.
            ValueError: if the dataset has no captions, a caption is too long, or the
                encoder is unknown.
        """
        refuse_unknown_arguments(
            kwargs,
            "ImageCaptioner.from_data",
            ImageCaptioner.from_data,
            ImageCaptionerBackbone,
        )
        if seed is not None:
            keras.utils.set_random_seed(seed)
        encoder, scale, offset = build_image_encoder(
            image_encoder, image_size, trainable_encoder
        )
        texts = list(caption_texts(dataset))
        tokenizer = WordPieceTokenizer.learn(texts, vocabulary_size)
        sequence_length = choose_length(
            texts,
            tokenizer,
            "sequence_length",
            sequence_length,
            long_captions,
            kind="captions",
        )
        layers = {"num_encoder_layers": num_layers, "num_decoder_layers": num_layers}
        backbone = ImageCaptionerBackbone(
            encoder,
            vocabulary_size=tokenizer.vocabulary_size(),
            sequence_length=sequence_length,
            hidden_dim=hidden_dim,
            **{**layers, **kwargs},
        )
        converter = ImageConverter(encoder.image_size, scale=scale, offset=offset)
        preprocessor = ImageCaptionerPreprocessor(converter, tokenizer, sequence_length)
        return cls(backbone=backbone, preprocessor=preprocessor)

    @classmethod
    def from_run(cls, run: CaptionerRun, train: tf.data.Dataset) -> ImageCaptioner:
        """Creates the captioner of a training run, and warns of unknown words.

        Args:
            run: a `CaptionerRun`.
            train: the training data.
        """
        captioner = super().from_run(run, train)
        if run.preset is not None:
            captioner._warn_of_unknown_words(train, run.preset)
        return captioner

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "auto",
        loss: str | keras.losses.Loss = "auto",
        *,
        learning_rate: float | None = None,
        label_smoothing: float = 0.05,
        word_loss: float = 0.03,
        captions_per_image: int = 1,
        learning_rate_factors: dict[str, float] | None = None,
        weighted_metrics: str | list = "auto",
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: a Keras optimizer, or `"auto"` for
                `mmkeras.optimizers.ConvMuon` (Muon for matrices and convolutions,
                AdamW for the rest), with linear warm-up over the first steps of a
                `fit` and cosine decay to 0 over its epochs.
            loss: a Keras loss, or `"auto"` for `MaskedCrossentropy`.
            learning_rate: float, the peak of the schedule of `"auto"`; `None` for
                3e-3. A custom optimizer has its own learning rate.
            label_smoothing: float, of the default loss.
            word_loss: float, weight of an auxiliary training loss: which words of the
                caption does the image show (`TextDecoder.word_presence`); 0 turns it
                off.
            captions_per_image: int, number of captions of each image in a training
                step; images with fewer repeat theirs. The image is encoded once for
                all of them, so that several cost little if the image encoder is
                trained.
            learning_rate_factors: dict of float above 0, factors of the learning rate
                by a part of the backbone or a prefix of variable paths:
                `{"image_encoder": 0.1}`; `layer_decay` makes one. The longest
                matching prefix counts.
            weighted_metrics: list of Keras metrics, or `"auto"` for perplexity and
                token accuracy.
            jit_compile: bool, whether to compile training with XLA. Off by default: it
                makes some image encoders several times slower on CPUs.
            **kwargs: passed to `keras.Model.compile`.

        Raises:
            ValueError: if `learning_rate` is given with an optimizer,
                `captions_per_image` is out of range, or `learning_rate_factors` names
                an unknown part.

        Reference:
            - [Liu et al., 2025](https://arxiv.org/abs/2502.16982) (Muon)
            - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101) (AdamW)
            - [Fang et al., 2015](https://arxiv.org/abs/1411.4952) (word presence)
        """
        self._captions_per_image = whole_number(
            "captions_per_image", captions_per_image, 1
        )
        self._word_loss = word_loss
        if loss == "auto":
            loss = MaskedCrossentropy(label_smoothing)
        if weighted_metrics == "auto":
            weighted_metrics = [Perplexity(), TokenAccuracy()]
        super().compile(
            optimizer=optimizer,
            loss=loss,
            learning_rate=learning_rate,
            learning_rate_factors=learning_rate_factors,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def layer_decay(self, decay: float) -> dict[str, float]:
        """Learning-rate factors that decrease from the last layer to the first.

        Args:
            decay: float in `(0, 1]`, the ratio of the factors of neighbouring blocks.

        Returns:
            dict for `compile(learning_rate_factors=...)`: 1 for the last block of the
            decoder, `decay` for the block before it, and so on through the region
            encoder to the image encoder, which counts as one block.

        Raises:
            ValueError: if `decay` is out of range.

        Reference:
            - [Clark et al., 2020](https://arxiv.org/abs/2003.10555), section 3.2
        """
        if not 0 < decay <= 1:
            raise ValueError(
                f"`decay` must be above 0 and at most 1. Received: decay={decay!r}."
            )
        backbone = self.backbone
        decoder = [
            f"text_decoder/block_{i}" for i in range(backbone.num_decoder_layers)
        ]
        encoder = [
            f"region_encoder/block_{i}" for i in range(backbone.num_encoder_layers)
        ]
        blocks = ["image_encoder", *encoder, *decoder]
        return {name: decay**i for i, name in enumerate(reversed(blocks))}

    def call(self, inputs: dict, training: bool | None = None) -> tf.Tensor:
        regions = self.backbone.regions_of(inputs, training)
        decoder = self.backbone.text_decoder
        # Keras averages the first batch over replicas to see its shapes, which makes
        # floats of the ids.
        token_ids = tf.cast(inputs["token_ids"], tf.int32)
        if training and self._word_loss:
            logits = decoder.word_presence(regions)
            loss = _word_presence_loss(token_ids, logits)
            self.add_loss(self._word_loss * loss)
        return decoder(token_ids, regions, training=training)

    def generate(
        self,
        images: Any,
        *,
        num_sequences: int = 1,
        batch_size: int = 32,
        jit_compile: bool = False,
        on_error: str = "raise",
        **options: Any,
    ) -> Caption | list:
        """Writes captions of images.

        Args:
            images: a path, encoded bytes, or a uint8 array `[height, width, 3]`;
                a list of these; or a batch: uint8 `[batch, height, width, 3]` or
                a string tensor `[batch]` of encoded bytes.
            num_sequences: int, number of captions of each image, best first.
            batch_size: int, number of images in a batch.
            jit_compile: bool, whether to compile the decoding loop with XLA, which
                takes seconds for each set of options and each power of two of images,
                and is faster afterwards: for many images.
            on_error: string, what to do with unreadable images: `"raise"` an error that
                names them, `"skip"` them, with `None` in place of their captions, or
                `"return"` an `UnreadableError` in place of them.
            **options: options of `mmkeras.decoding.DecodingOptions`: `num_beams=4`,
                `top_p=0.9`, `min_length=5`, ...

        Returns:
            For one image a `Caption`, a string with the attributes `score` and
            `tokens`; for several images a list of captions. With `num_sequences` above
            1 a list of captions for each image.

        Raises:
            FileNotFoundError: if a path does not exist.
            TypeError: if an option is unknown.
            ValueError: if an image is unreadable, or an option is out of range.
        """
        decode = self.generator(
            jit_compile=jit_compile, num_sequences=num_sequences, **options
        )
        tokenizer = self.preprocessor.tokenizer

        def write(pixels):
            return read_texts(decode(pixels), tokenizer, Caption, num_sequences)

        return self.predict_each(
            images, write, batch_size=batch_size, on_error=on_error
        )

    def generator(
        self, *, jit_compile: bool = False, traced: bool = True, **options: Any
    ) -> Callable[[tf.Tensor], DecodingResult]:
        """The decoding loop, which `generate` and `export` share.

        Args:
            jit_compile: bool, as in `generate`; the function then cannot be a part of
                another graph.
            traced: bool, whether to return a traced graph with a dynamic batch size,
                or a plain function to trace with static shapes.
            **options: options of `mmkeras.decoding.DecodingOptions`.

        Returns:
            A function from float32 `[batch, size, size, 3]` to a `DecodingResult`. It
            is traced once for all seeds.

        Raises:
            TypeError: if an option is unknown.
            ValueError: if an option is out of range, or two exclude each other.
        """
        refuse_unknown_arguments(
            options, "`generate`", ImageCaptioner.generate, DecodingOptions
        )
        options = DecodingOptions(**options)
        if not traced:
            return self._generator.untraced(options)
        return self._generator.traced(options, jit_compile)

    def signatures(self, num_sequences: int = 3, **options: Any) -> dict:
        """See `caption_signatures`."""
        return caption_signatures(self, num_sequences, **options)

    def static_form(self, stepwise: bool = False, **options: Any) -> StaticForm:
        """See `caption_static_form`."""
        return caption_static_form(self, stepwise, **options)

    def region_model(self) -> keras.Model:
        """The captioner's encoder of images as a model, for another task.

        Objects and their positions that it learned from captions help e.g. to answer
        questions: pass it as `image_encoder` to `VisualQA.from_data`, with
        `trainable_encoder=False` to keep its weights. The layers are shared with the
        captioner, not copied.

        Returns:
            A `keras.Model` from pixels of 0 to 255, float32 `[batch, size, size, 3]`,
            to `[batch, rows, columns, hidden_dim]`.
        """
        encoder = self.backbone.image_encoder
        converter = self.preprocessor.image_converter
        side = encoder.image_size
        images = keras.Input((side, side, 3), name="images")
        scaled = keras.layers.Rescaling(converter.scale, converter.offset)(images)
        regions = self.backbone.region_encoder(encoder(scaled))
        grid = (encoder.rows, encoder.columns, self.backbone.hidden_dim)
        maps = keras.layers.Reshape(grid)(regions)
        return keras.Model(images, maps, name="captioner_regions")

    def attention(self, image: Any, caption: str) -> tuple[list[str], np.ndarray]:
        """The cross-attention of each token of a caption.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
            caption: string, e.g. the output of `generate`.

        Returns:
            The tokens, and float32 `[tokens, rows, columns]`: the attention over
            the image regions, averaged over layers and heads; that of each token sums
            to 1.

        Raises:
            ValueError: if several images are given, or the image is unreadable.
        """
        loaded, names, single = load_images(image)
        if not single:
            raise ValueError(
                f"`image` must be a single image. Received: {len(loaded)} images."
            )
        pixels, errors = self.preprocessor.image_converter.convert(tf.constant(loaded))
        refuse_bad_images(errors.numpy(), names)
        tokenizer = self.preprocessor.tokenizer
        ids = [int(i) for i in np.asarray(tokenizer(caption)) if i != 0]
        ids = ids[: self.backbone.sequence_length - 1]
        inputs = tf.constant([[tokenizer.start_token_id, *ids]])
        regions = self.backbone.regions(pixels)
        _, weights = self.backbone.text_decoder(inputs, regions, return_attention=True)
        encoder = self.backbone.image_encoder
        maps = np.mean(np.asarray(weights)[0, :, : len(ids)], axis=0)
        tokens = [tokenizer.id_to_token(i) for i in ids]
        return tokens, maps.reshape(len(ids), encoder.rows, encoder.columns)

    def _forget_graphs(self) -> None:
        super()._forget_graphs()
        self._generator = _text_generator(self.backbone, self.preprocessor)

    def _draw(self, batches, seed):
        number = self._captions_per_image
        return self.preprocessor.draw_captions(
            batches, seed, number if number > 1 else None
        )

    def _finish(self, batches):
        return batches.map(_without_padding, num_parallel_calls=tf.data.AUTOTUNE)

    def _references(self, dataset):
        return self.preprocessor.all_captions(dataset)

    def _number_of_rows(self, dataset) -> int:
        return self.preprocessor.count_captions(dataset)

    def _check_samples(self, dataset) -> None:
        texts = list(itertools.islice(caption_texts(dataset), _TEXTS_CHECKED))
        tokenizer = self.preprocessor.tokenizer
        ids = tokenizer.tokenize(texts).flat_values.numpy() if texts else np.ones(0)
        if ids.size and np.all(ids == tokenizer.unk_token_id):
            raise ValueError(
                "The vocabulary does not have a single word of the first "
                f"{len(texts)} captions: {texts[0]!r:.80} … Is this preset for their "
                "language? A new captioner learns its vocabulary with `from_data`."
            )

    def _warn_of_unknown_words(self, dataset, preset) -> None:
        tokenizer = self.preprocessor.tokenizer
        unknown = total = 0
        for text in caption_texts(dataset):
            ids = tokenizer.tokenize([text]).flat_values.numpy()
            unknown += int((ids == tokenizer.unk_token_id).sum())
            total += len(ids)
        if unknown:
            warnings.warn(
                f"{unknown} of the {total} words of the captions are not in the "
                f"vocabulary of {preset}, and will not be learned.",
                stacklevel=4,
            )


def _text_generator(backbone, preprocessor) -> TextGenerator:
    side = backbone.image_encoder.image_size
    return TextGenerator(
        backbone.text_decoder,
        preprocessor.tokenizer,
        backbone.regions,
        [tf.TensorSpec([None, side, side, 3], tf.float32, name="images")],
        "caption",
    )


def _without_padding(inputs, targets, weights):
    """A batch cut to its longest caption, which is what its step costs."""
    written = tf.reduce_sum(tf.cast(tf.not_equal(targets, 0), tf.int32), axis=-1)
    length = tf.reduce_max(written)
    inputs = {**inputs, "token_ids": inputs["token_ids"][..., :length]}
    return inputs, targets[..., :length], weights[..., :length]


def _word_presence_loss(token_ids, logits):
    """Binary cross-entropy summed over the vocabulary, averaged over the batch."""
    token_ids = tf.reshape(token_ids, [tf.shape(logits)[0], -1])
    words = tf.reduce_max(tf.one_hot(token_ids, logits.shape[-1]), axis=1)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(words, logits)
    losses = tf.reduce_sum(losses[:, len(SPECIAL_TOKENS) :], axis=-1)
    # A replica may get no row of the last batch.
    rows = tf.cast(tf.size(losses), losses.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(losses), rows)
