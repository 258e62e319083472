from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mmkeras.arguments.check_choice import check_choice
from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.arguments.whole_number import whole_number
from mmkeras.data import caption_texts
from mmkeras.decoding import DecodingOptions, DecodingResult
from mmkeras.layers import ImageEncoder
from mmkeras.losses import MaskedCrossentropy
from mmkeras.metrics import Perplexity
from mmkeras.models import ImageCaptionerPreprocessor
from mmkeras.models.caption_generator import CaptionGenerator
from mmkeras.models.encoders.image_encoders import build_image_encoder
from mmkeras.models.image_captioner.image_captioner_backbone import (
    ImageCaptionerBackbone,
)
from mmkeras.models.refuse_long_texts import check_long_texts, refuse_long_texts
from mmkeras.models.task import Task
from mmkeras.preprocessing import ImageConverter, WordPieceTokenizer
from mmkeras.preprocessing.images.load_images import load_images, refuse_bad_images
from mmkeras.preprocessing.text.special_tokens import SPECIAL_TOKENS

# Enough to tell a vocabulary of another language, few enough to read at once.
_TEXTS_LOOKED_AT = 32


@keras.saving.register_keras_serializable(package="mmkeras")
class ImageCaptioner(Task):
    """Writes captions of pictures.

    Args:
        backbone: an `ImageCaptionerBackbone`.
        preprocessor: an `ImageCaptionerPreprocessor`.
        compile: bool, whether to compile with the defaults of `compile`.

    Call arguments:
        inputs: dict of `images`, float32 `[batch, size, size, 3]`, or
            `image_features`, float `[batch, regions, channels]` (what the image
            encoder makes of the images), and `token_ids`, int32
            `[batch, length]`, or `[batch, captions, length]` for several
            captions of each picture.

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

    def __init__(self, backbone, preprocessor, compile: bool = True, **kwargs):
        # What `compile` sets otherwise, for a model that is never trained.
        self._generators = CaptionGenerator(backbone, preprocessor.tokenizer)
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
        sequence_length: int = 40,
        long_captions: str = "error",
        hidden_dim: int = 128,
        num_layers: int = 2,
        trainable_encoder: bool | None = None,
        seed: int | None = None,
        **kwargs,
    ) -> ImageCaptioner:
        """A new captioner, with the vocabulary of a dataset.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts with `caption` or
                `captions`.
            image_encoder: string, `"small_cnn"` (from scratch),
                `"efficientnet_lite0"`, `"efficientnet_lite1"`,
                `"efficientnet_lite2"` (with ImageNet weights); or a
                `keras.Model` from images to a feature map, or an `ImageEncoder`; or
                the path of a model of Keras 2 (`mmkeras.keras2.load_tf_keras`),
                which is given pixels of 0 … 255.
            image_size: int, side in pixels, or `None` for the encoder's own.
            vocabulary_size: int, the most tokens that are learned.
            sequence_length: int, the most tokens of a caption with its end.
            long_captions: string, what to do with captions that are longer:
                `"error"` to refuse them, `"cut"` to learn their beginning only.
            hidden_dim: int.
            num_layers: int, transformer blocks of encoder and decoder each.
                `num_encoder_layers` and `num_decoder_layers` say other numbers.
            trainable_encoder: bool, or `None` for whatever has no pretrained
                weights.
            seed: int, or `None`.
            **kwargs: passed to `ImageCaptionerBackbone`, e.g. `dropout=0.2`.

        Returns:
            An `ImageCaptioner`, compiled with the defaults.

        Raises:
            TypeError: if there is no such argument.
            ValueError: if the dataset has no captions, a caption is too long,
                or the encoder is not known.
        """
        refuse_unknown_arguments(
            kwargs,
            "ImageCaptioner.from_data",
            ImageCaptioner.from_data,
            ImageCaptionerBackbone,
            but=["max_length"],
        )
        check_long_texts("long_captions", long_captions)
        if seed is not None:
            keras.utils.set_random_seed(seed)
        encoder, scale, offset = build_image_encoder(
            image_encoder, image_size, trainable_encoder
        )
        texts = list(caption_texts(dataset))
        tokenizer = WordPieceTokenizer.learn(texts, vocabulary_size)
        if long_captions == "error":
            refuse_long_texts(
                "captions", texts, tokenizer, "sequence_length", sequence_length
            )
        converter = ImageConverter(encoder.image_size, scale=scale, offset=offset)
        backbone = ImageCaptionerBackbone(
            encoder,
            vocabulary_size=tokenizer.vocabulary_size(),
            max_length=sequence_length,
            hidden_dim=hidden_dim,
            **{
                "num_encoder_layers": num_layers,
                "num_decoder_layers": num_layers,
                **kwargs,
            },
        )
        preprocessor = ImageCaptionerPreprocessor(converter, tokenizer, sequence_length)
        return cls(backbone=backbone, preprocessor=preprocessor)

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        learning_rate: float | None = None,
        label_smoothing: float = 0.05,
        word_loss: float = 0.03,
        captions_per_image: int = 1,
        learning_rate_factors: dict[str, float] | None = None,
        weighted_metrics="auto",
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Sets the training up.

        Args:
            optimizer: a Keras optimizer, or `"auto"` for
                `mmkeras.optimizers.ConvMuon` (Muon for matrices and
                convolutions, AdamW for the rest), whose rate warms up over the
                first steps of a `fit` and falls to 0 by a cosine over its epochs.
            loss: a Keras loss, or `"auto"` for `MaskedCrossentropy`.
            learning_rate: float, the peak of the schedule of `"auto"`; `None` for
                3e-3. An optimizer of one's own brings its rate itself.
            label_smoothing: float, of the default loss.
            word_loss: float, weight of the loss that asks, in training, which
                words of the caption each picture shows
                (`TextDecoder.word_presence`); 0 turns it off.
            captions_per_image: int, captions of each picture that a step of
                training learns from, from the first again where it has fewer.
                The picture is encoded once for all of them, so several cost little
                where the image encoder is trained.
            learning_rate_factors: dict of float above 0, by which the rate is
                multiplied, by a part of the backbone or the beginning of its
                variables' paths: `{"image_encoder": 0.1}`; `layer_decay` makes one.
                The narrower name counts.
            weighted_metrics: list, or `"auto"` for perplexity and token accuracy.
            jit_compile: bool. Off unless asked for: XLA makes some image
                encoders several times slower on CPUs.
            **kwargs: passed to `keras.Model.compile`.

        Raises:
            ValueError: if `learning_rate` is given with an optimizer,
                `captions_per_image` is out of range, or `learning_rate_factors` names
                a part that there is not.

        Reference:
            - [Liu et al., 2025](https://arxiv.org/abs/2502.16982) (Muon)
            - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101)
              (AdamW)
            - [Fang et al., 2015](https://arxiv.org/abs/1411.4952)
        """
        if not isinstance(captions_per_image, int) or captions_per_image < 1:
            raise ValueError(
                "`captions_per_image` must be an integer of at least 1. Received: "
                f"captions_per_image={captions_per_image!r}."
            )
        self._captions_per_image = captions_per_image
        optimizer = self._choose_optimizer(
            optimizer, learning_rate, 3e-3, learning_rate_factors
        )
        self._word_loss = word_loss
        if loss == "auto":
            loss = MaskedCrossentropy(label_smoothing)
        if weighted_metrics == "auto":
            accuracy = keras.metrics.SparseCategoricalAccuracy(name="token_accuracy")
            weighted_metrics = [Perplexity(), accuracy]
        super().compile(
            optimizer=optimizer,
            loss=loss,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def _forget_graphs(self) -> None:
        super()._forget_graphs()
        self._generators = CaptionGenerator(self.backbone, self.preprocessor.tokenizer)

    def layer_decay(self, decay: float) -> dict[str, float]:
        """Learning-rate factors that fall from the words to the pixels.

        Args:
            decay: float in `(0, 1]`, by which each block is slower than the next.

        Returns:
            dict for `compile(learning_rate_factors=...)`: 1 for the last block of the
            decoder, `decay` for the block before it, and so on through the region
            encoder to the image encoder, which is one block.

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

    def call(self, inputs, training=None):
        if "image_features" in inputs:
            memory = self.backbone.region_encoder(
                inputs["image_features"], training=training
            )
        else:
            memory = self.backbone.memory(inputs["images"], training=training)
        decoder = self.backbone.text_decoder
        # To see shapes, Keras averages the first batch over several replicas, and
        # with it the ids.
        token_ids = tf.cast(inputs["token_ids"], tf.int32)
        if training and self._word_loss:
            logits = decoder.word_presence(memory)
            loss = _word_presence_loss(token_ids, logits)
            self.add_loss(self._word_loss * loss)
        return decoder(token_ids, memory, training=training)

    def evaluate(
        self,
        x: tf.data.Dataset,
        *,
        batch_size: int = 32,
        return_dict=True,
        on_error: str = "raise",
        **kwargs,
    ):
        """Loss, perplexity and token accuracy; true captions of known scenes.

        Every reference of an image counts. Where samples have a `scene` (as in
        `emoji_scenes`), captions are generated greedily too, and
        `true_captions` is the share that `mmkeras.datasets.judge_caption` finds
        true.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            batch_size: int, for a dataset that is not batched yet.
            return_dict: bool, whether to name the results.
            on_error: string, `"raise"` for a picture that cannot be read, or
                `"skip"` it: `skipped_images` is then among the results.
            **kwargs: passed to `keras.Model.evaluate`.

        Returns:
            A dict of float by name, or a list.
        """
        results = super().evaluate(
            x, batch_size=batch_size, return_dict=True, on_error=on_error, **kwargs
        )
        spec = x.element_spec if isinstance(x, tf.data.Dataset) else {}
        if isinstance(spec, dict) and "scene" in spec and "image" in spec:
            results["true_captions"] = self._share_true(x, batch_size, on_error)
        return results if return_dict else list(results.values())

    def _share_true(self, dataset, batch_size, on_error) -> float:
        from mmkeras.data import batch_samples
        from mmkeras.datasets import Scene, judge_caption

        true = total = 0
        for batch in batch_samples(dataset, batch_size):
            written = self.generate(batch["image"], on_error=on_error)
            for caption, scene in zip(written, batch["scene"].numpy(), strict=True):
                if caption is None:
                    continue
                language = (
                    "zh" if any("\u4e00" <= c <= "\u9fff" for c in caption) else "en"
                )
                true += bool(judge_caption(caption, Scene.from_json(scene), language))
                total += 1
        return true / total

    def generate(
        self,
        images,
        *,
        return_scores: bool = False,
        return_token_scores: bool = False,
        batch_size: int = 32,
        jit_compile: bool = False,
        on_error: str = "raise",
        **options,
    ):
        """Captions of pictures.

        Args:
            images: a path, encoded bytes, or a uint8 array `[height, width, 3]`;
                a list of these; or a batch: uint8 `[batch, height, width, 3]` or
                a string tensor `[batch]` of encoded bytes.
            return_scores: bool, whether to return `(caption, score)`.
            return_token_scores: bool, whether to return `(caption, score, tokens)`,
                where `tokens` is a list of `(token, log-probability)`, the end among
                them if it was written.
            batch_size: int.
            jit_compile: bool, whether to compile the decoding loop with XLA. The
                first call with an option, and with each power of two of pictures,
                then takes seconds longer, the later ones less time: for many pictures.
            on_error: string, what to do with bytes that are no readable picture:
                `"raise"` an error that names them, or `"skip"` them, with `None` in
                place of their captions.
            **options: of `mmkeras.decoding.DecodingOptions`: `num_beams=4`,
                `num_sequences=3`, `top_p=0.9`, `min_length=5`, ...

        Returns:
            For one picture a string, for several a list of strings. With
            `num_sequences` above 1 a list of strings for each picture, best first.
            With `return_scores=True`, `(string, float)` for each string, and with
            `return_token_scores=True` `(string, float, list of (string, float))`.

        Raises:
            FileNotFoundError: if a path does not lead to a file.
            ValueError: if a picture cannot be read, or an option is wrong.
        """
        check_choice("on_error", on_error, ("raise", "skip"))
        batch_size = whole_number("batch_size", batch_size, 1)
        decode = self.generator(jit_compile=jit_compile, **options)
        number = options.get("num_sequences", 1)
        loaded, names, single = load_images(images)
        rows = []
        for start in range(0, len(loaded), batch_size):
            part = slice(start, start + batch_size)
            pixels, errors = self._pixels(loaded[part])
            if on_error == "raise":
                refuse_bad_images(errors, names[part])
            result = decode(pixels)
            if return_token_scores:
                found = self._read_tokens(result, number)
            else:
                found = self._read(result, number, return_scores)
            pairs = zip(found, errors, strict=True)
            rows.extend(None if error else row for row, error in pairs)
        return rows[0] if single else rows

    def _pixels(self, loaded):
        converter = self.preprocessor.image_converter
        pixels, errors = converter.convert(tf.constant(loaded))
        return pixels, errors.numpy()

    def _read(self, result, num_sequences, return_scores):
        for ids, scores in zip(result.token_ids, result.scores.numpy(), strict=True):
            texts = self.preprocessor.generate_postprocess(ids[:num_sequences]).numpy()
            found = [text.decode("utf-8") for text in texts]
            if return_scores:
                found = list(zip(found, map(float, scores), strict=False))
            yield found[0] if num_sequences == 1 else found

    def _read_tokens(self, result, num_sequences):
        tokenizer = self.preprocessor.tokenizer
        pad = tokenizer.pad_token_id
        texts = self._read(result, num_sequences, return_scores=True)
        ids, gains = result.token_ids.numpy(), result.token_scores.numpy()
        for found, *rows in zip(texts, ids, gains, strict=True):
            scored = [
                [
                    (tokenizer.id_to_token(int(token)), float(gain))
                    for token, gain in zip(*row, strict=True)
                    if token != pad
                ]
                for row in zip(*rows, strict=True)
            ]
            several = [found] if num_sequences == 1 else found
            joined = [
                (*pair, tokens) for pair, tokens in zip(several, scored, strict=False)
            ]
            yield joined[0] if num_sequences == 1 else joined

    def generator(
        self, *, jit_compile: bool = False, traced: bool = True, **options
    ) -> Callable[[tf.Tensor], DecodingResult]:
        """The decoding loop as one graph; `generate` and `export` both use it.

        Args:
            jit_compile: bool, as `generate` takes it; no part of another graph then.
            traced: bool; `False` for a plain function to trace in a graph of one's
                own, for shapes that are fixed there.
            **options: of `mmkeras.decoding.DecodingOptions`.

        Returns:
            A function, traced once whatever the seed is, from float32
            `[batch, size, size, 3]` to a `DecodingResult`.

        Raises:
            TypeError: if there is no such option.
            ValueError: if an option is out of range, or two do not go together.
        """
        refuse_unknown_arguments(
            options, "`generate`", ImageCaptioner.generate, DecodingOptions
        )
        options = DecodingOptions(**options)
        if not traced:
            return self._generators.untraced(options)
        return self._generators.get(options, jit_compile)

    def region_model(self) -> keras.Model:
        """What the captioner makes of a picture before it writes, for another task.

        What it learned from captions, things and where they lie to one another, then
        helps e.g. to answer questions: give it as `image_encoder` to
        `VisualQA.from_data`, with `trainable_encoder=False` to keep it as it is. The
        layers are those of the captioner, not copies.

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

    def attention(self, image, caption: str) -> tuple[list[str], np.ndarray]:
        """Where the model looks for each token of a caption.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
            caption: string, e.g. what `generate` wrote.

        Returns:
            The tokens, and float32 `[tokens, rows, columns]`: the attention over
            the picture's regions, averaged over layers and heads; each token's
            sums to 1.
        """
        loaded, names, single = load_images(image)
        if not single:
            raise ValueError(f"Give one picture. Received: {len(loaded)} of them.")
        pixels, errors = self._pixels(loaded)
        refuse_bad_images(errors, names)
        tokenizer = self.preprocessor.tokenizer
        ids = [int(i) for i in np.asarray(tokenizer(caption)) if i != 0]
        ids = ids[: self.backbone.max_length - 1]
        inputs = tf.constant([[tokenizer.start_token_id, *ids]])
        memory = self.backbone.memory(pixels)
        _, weights = self.backbone.text_decoder(inputs, memory, return_attention=True)
        encoder = self.backbone.image_encoder
        maps = np.mean(np.asarray(weights)[0, :, : len(ids)], axis=0)
        tokens = [tokenizer.id_to_token(i) for i in ids]
        return tokens, maps.reshape(len(ids), encoder.rows, encoder.columns)

    def _draw(self, batches, seed):
        number = self._captions_per_image
        return self.preprocessor.draw_captions(
            batches, seed, number if number > 1 else None
        )

    def _finish(self, batches):
        return batches.map(_without_padding, num_parallel_calls=tf.data.AUTOTUNE)

    def _references(self, dataset):
        return self.preprocessor.all_captions(dataset)

    def _check_samples(self, dataset) -> None:
        texts = list(itertools.islice(caption_texts(dataset), _TEXTS_LOOKED_AT))
        tokenizer = self.preprocessor.tokenizer
        ids = tokenizer.tokenize(texts).flat_values.numpy() if texts else np.ones(0)
        if ids.size and np.all(ids == tokenizer.unk_token_id):
            raise ValueError(
                f"The vocabulary knows no word of the first {len(texts)} captions: "
                f"{texts[0]!r:.80} … Is this the right preset for their language? A "
                "new captioner learns its vocabulary with `from_data`."
            )


def _without_padding(inputs, targets, weights):
    """A batch as long as its longest caption, which is what its steps then cost."""
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
    # A replica may be given no row of the last batch.
    rows = tf.cast(tf.size(losses), losses.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(losses), rows)
