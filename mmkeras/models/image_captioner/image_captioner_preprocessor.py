from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.data import missing_key, select_key
from mmkeras.data.name_rows import name_rows
from mmkeras.models.task_preprocessor import TaskPreprocessor, to_tensor
from mmkeras.preprocessing.images.image_converter import ImageConverter
from mmkeras.preprocessing.require import require
from mmkeras.preprocessing.text.word_piece_tokenizer import WordPieceTokenizer

_NAMES_SHOWN = 5


@keras.saving.register_keras_serializable(package="mmkeras")
class ImageCaptionerPreprocessor(TaskPreprocessor):
    """Converts batched samples to the inputs, targets and weights of a captioner.

    A caption of the tokens `w1 … wn` becomes the input `[START] w1 … wn` and the
    target `w1 … wn [END]`, both padded with 0; weights are 1 up to and including
    `[END]`. A caption of more than `sequence_length - 1` tokens is cut and then
    has no `[END]`, so that a model does not learn to stop in the middle.

    One of several captions of an image is drawn at random at every call, so that
    training sees another one in each epoch. Parallel calls draw in no fixed order: use
    `draw_captions` on the dataset for a reproducible run, and `all_captions` for
    evaluation on all captions.

    Args:
        image_converter: An `ImageConverter`.
        tokenizer: A `WordPieceTokenizer`.
        sequence_length: int, at least 2. Length of the token sequences.
        seed: int, seed of the draw of captions; `None` for one that
            `keras.utils.set_random_seed` determines.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        x: dict. `"image"`, `tf.string` `[batch]` or `uint8`
            `[batch, height, width, 3]`; or `"images"`, `float32`, as `decode` returns
            them; or `"image_features"`.
            `"caption"`, `tf.string` `[batch]`, or
            `[batch, number]` for several captions of each image, all of which are
            used except empty ones; or `"captions"`, `tf.string`
            `[batch, (captions)]`, ragged or padded with `""`, of which one is
            drawn. If both are present, `"caption"` is used. Optionally `"image_id"`,
            `tf.string` `[batch]`, which errors name.
        y: not used; the targets are made from the captions.
        sample_weight: optional float `[batch]`, multiplied with the weights.

    Output shape:
        `(x, y, sample_weight)`: `x` a dict of `"images"` `float32`
        `[batch, image_height, image_width, 3]` (or `"image_features"`) and
        `"token_ids"` `int32` `[batch, (number,) sequence_length]`; `y` `int32` and
        `sample_weight` `float32` of the same shape as the token ids.

    Raises:
        ValueError: if the samples lack images or captions.
        tf.errors.InvalidArgumentError: if an image is unreadable, or all captions of a
            sample are empty. The message names the `image_id`.

    Example:

    ```python
    preprocessor = ImageCaptionerPreprocessor(
        ImageConverter(96), WordPieceTokenizer.learn(captions), sequence_length=32
    )
    batches = dataset.batch(32).map(preprocessor)
    ```
    """

    image_converter_cls = ImageConverter
    tokenizer_cls = WordPieceTokenizer

    def __init__(
        self,
        image_converter: ImageConverter,
        tokenizer: WordPieceTokenizer,
        sequence_length: int = 32,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        # A word and its end token.
        sequence_length = whole_number("sequence_length", sequence_length, 2)
        self.image_converter = image_converter
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.seed = seed
        # With a seed, a plain `tf.random` operation restarts with every pass over a
        # dataset, and would draw the same captions in each epoch.
        with tf.init_scope():
            self._random = tf.random.Generator.from_seed(
                random.getrandbits(31) if seed is None else seed
            )
        self.built = True

    def call(
        self,
        x: Mapping[str, Any],
        y: None = None,
        sample_weight: tf.Tensor | None = None,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        if y is not None:
            raise ValueError(
                "`y` is made from the captions of the sample. Pass samples as dicts "
                "with the key 'caption' or 'captions', without labels."
            )
        inputs = self.decoded_inputs(x)
        several = "caption" in x and x["caption"].shape.rank == 2
        caption = x["caption"] if several else self.draw_caption(x)
        inputs["token_ids"], targets, weights = self._pack(caption)
        if several:
            written = tf.cast(_is_written(caption), tf.float32)
            weights *= tf.expand_dims(written, -1)
        if sample_weight is not None:
            sample_weight = tf.cast(tf.convert_to_tensor(sample_weight), tf.float32)
            each = [-1, 1, 1] if several else [-1, 1]
            weights *= tf.reshape(sample_weight, each)
        return inputs, targets, weights

    def draw_caption(self, x: Mapping[str, Any]) -> tf.Tensor:
        """Draws one caption of each row at random, another one at each call.

        Args:
            x: dict of a batch, as in `call`.

        Returns:
            `tf.string` `[batch]`. Empty captions are never drawn.
        """
        captions = _captions(x)
        fractions = self._random.uniform(tf.shape(captions.row_lengths()))
        return _pick(captions, fractions, x)

    def draw_captions(
        self,
        dataset: tf.data.Dataset,
        seed: int | None = None,
        number: int | None = None,
    ) -> tf.data.Dataset:
        """Draws captions of each image, others at every pass; for training.

        The draws depend only on the seed, the pass and the position in the dataset,
        not on parallel calls.

        Args:
            dataset: samples, batched or not, with `"captions"`.
            seed: int or `None` for the seed of the preprocessor.
            number: int, number of captions of each image: a random one and those after
                it, cyclically, so that each is drawn equally often; or `None` for a
                single one without an axis.

        Returns:
            The dataset with `"caption"` in place of `"captions"`, with an axis for
            `number` if it is given. A dataset that has `"caption"` is returned
            unchanged.

        Raises:
            ValueError: if the samples have no captions.
        """
        spec = _check_captions(dataset)
        if "caption" in spec:
            return dataset
        batched = spec["captions"].shape.rank == 2

        def draw(sample, key):
            batch = sample if batched else {"captions": sample["captions"][tf.newaxis]}
            captions = _captions(batch)
            fractions = tf.random.stateless_uniform(
                tf.shape(captions.row_lengths()), seed=tf.stack([key, 0])
            )
            named = sample if batched else {}
            caption = _pick(captions, fractions, named, number)
            rest = {k: v for k, v in sample.items() if k != "captions"}
            return {**rest, "caption": caption if batched else caption[0]}

        keys = tf.data.Dataset.random(
            self.seed if seed is None else seed, rerandomize_each_iteration=True
        )
        return tf.data.Dataset.zip(dataset, keys).map(draw)

    def all_captions(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """One sample for each caption; for evaluation on all captions of an image.

        Args:
            dataset: samples, batched or not, with `"captions"`.

        Returns:
            An unbatched dataset with a scalar `"caption"` in place of
            `"captions"`; empty captions are skipped. A dataset that has `"caption"` is
            returned unchanged.

        Raises:
            ValueError: if the samples have no captions.
        """
        spec = _check_captions(dataset)
        if "caption" in spec:
            return dataset
        if spec["captions"].shape.rank == 2:
            dataset = dataset.unbatch()

        def expand(sample):
            captions = tf.convert_to_tensor(sample["captions"])
            kept = tf.boolean_mask(captions, _is_written(captions))
            rest = {k: v for k, v in sample.items() if k != "captions"}
            return tf.data.Dataset.from_tensor_slices(kept).map(
                lambda caption: {**rest, "caption": caption}
            )

        return dataset.flat_map(expand)

    def count_captions(self, dataset: tf.data.Dataset) -> int:
        """The number of samples of `all_captions`, without reading images.

        Args:
            dataset: samples, batched or not, with `"captions"` or `"caption"`.

        Returns:
            int, negative if the length of the dataset is unknown or infinite.
        """
        number = int(dataset.cardinality())
        if "caption" in dataset.element_spec or number < 0:
            return number

        def count(captions):
            captions = getattr(captions, "flat_values", captions)
            return tf.math.count_nonzero(_is_written(captions))

        counts = select_key(dataset, "captions", count)
        return int(counts.reduce(tf.zeros([], tf.int64), tf.add))

    def generate_postprocess(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Detokenizes generated ids.

        Args:
            token_ids: int `[..., length]`.

        Returns:
            `tf.string` `[...]`.
        """
        return self.tokenizer.detokenize(token_ids)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update({"sequence_length": self.sequence_length, "seed": self.seed})
        return config

    def _pack(self, caption: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        packed = self._pack_flat(tf.reshape(caption, [-1]))
        shape = tf.concat([tf.shape(caption), [self.sequence_length]], axis=0)
        static = [*caption.shape, self.sequence_length]
        return tuple(
            tf.ensure_shape(tf.reshape(part, shape), static) for part in packed
        )

    def _pack_flat(self, caption):
        words = self.tokenizer.tokenize(caption)
        lengths = words.row_lengths()
        ones = tf.ones_like(tf.expand_dims(lengths, 1), tf.int32)
        shape = [None, self.sequence_length]
        token_ids = tf.concat([ones * self.tokenizer.start_token_id, words], axis=1)
        targets = tf.concat([words, ones * self.tokenizer.end_token_id], axis=1)
        return (
            token_ids.to_tensor(self.tokenizer.pad_token_id, shape=shape),
            targets.to_tensor(self.tokenizer.pad_token_id, shape=shape),
            tf.sequence_mask(
                tf.minimum(lengths + 1, self.sequence_length),
                self.sequence_length,
                tf.float32,
            ),
        )


def _captions(x: Mapping[str, Any]) -> tf.RaggedTensor:
    """The captions of a batch that are not empty, `[batch, (captions)]`."""
    if "caption" in x:
        captions = tf.expand_dims(to_tensor(x["caption"]), 1)
    elif "captions" in x:
        captions = to_tensor(x["captions"])
    else:
        raise ValueError(missing_key("captions", x))
    if not isinstance(captions, tf.RaggedTensor):
        if captions.shape.rank != 2:
            raise ValueError(
                "'captions' must be a batch of lists, of shape [batch, captions]. "
                "Batch the dataset first, with `Dataset.ragged_batch` where the "
                f"number of captions varies. Received: shape={captions.shape}"
            )
        captions = tf.RaggedTensor.from_tensor(captions)
    written = captions.with_values(_is_written(captions.flat_values))
    return tf.ragged.boolean_mask(captions, written)


def _is_written(captions: tf.Tensor) -> tf.Tensor:
    return tf.not_equal(tf.strings.strip(captions), "")


def _pick(
    captions: tf.RaggedTensor,
    fractions: tf.Tensor,
    x: Mapping[str, Any],
    number: int | None = None,
) -> tf.Tensor:
    """The caption of each row at a fraction in [0, 1) of its captions.

    With `number` that many captions from there on, cyclically.
    """
    counts, starts = captions.row_lengths(), captions.row_starts()
    places = tf.cast(fractions * tf.cast(counts, tf.float32), tf.int64)
    with _require_captions(counts, x):
        places = tf.identity(places)
    if number is not None:
        counts, starts = (tf.expand_dims(part, 1) for part in (counts, starts))
        places = tf.expand_dims(places, 1) + tf.range(number, dtype=tf.int64)
    return tf.gather(captions.flat_values, starts + places % counts)


def _require_captions(counts: tf.Tensor, x: Mapping[str, Any]) -> Any:
    bare = tf.equal(counts, 0)
    names, kind = name_rows(x, tf.size(counts))
    names = tf.boolean_mask(tf.strings.join([f"{kind} ", names]), bare)
    message = tf.strings.join(
        [
            "no caption, or only empty captions, for ",
            tf.strings.reduce_join(names[:_NAMES_SHOWN], separator=", "),
            ". Give each sample a caption, or remove it.",
        ]
    )
    return require(tf.logical_not(tf.reduce_any(bare)), message)


def _check_captions(dataset: tf.data.Dataset) -> Mapping[str, Any]:
    spec = dataset.element_spec
    if not isinstance(spec, Mapping):
        raise ValueError(
            "The dataset must hold samples as dicts with the key 'captions'. "
            f"Received elements: {spec}"
        )
    if "caption" not in spec and "captions" not in spec:
        raise ValueError(missing_key("captions", spec))
    return spec
