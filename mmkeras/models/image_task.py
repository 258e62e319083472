from __future__ import annotations

import functools
import os
from typing import Any

import keras
import tensorflow as tf

from mmkeras.arguments import refuse_unknown_arguments
from mmkeras.export import StaticForm
from mmkeras.layers import ImageEncoder
from mmkeras.models.encoders.image_encoders import build_image_encoder
from mmkeras.models.signature import row_signature
from mmkeras.models.task import Task
from mmkeras.preprocessing import ImageConverter


class ImageTask(Task):
    """A task whose first input is an image; a base class.

    A subclass overrides `from_image_encoder` (or `from_data`), `call` and its verb,
    and either `serve` or both `signatures` and `static_form`. Its backbone is a
    `VisionBackbone`.

    Args:
        backbone: a `VisionBackbone`.
        preprocessor: a `TaskPreprocessor` with an `image_converter`.
        compile: bool, whether to compile with the defaults of `compile`.
        **kwargs: arguments of `keras_hub.models.Task`.
    """

    @classmethod
    def from_data(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: str | os.PathLike | keras.Model | ImageEncoder = "small_cnn",
        image_size: int | None = None,
        trainable_encoder: bool | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> ImageTask:
        """Creates a task with what it learns from a dataset, e.g. a vocabulary.

        A subclass overrides this, or `from_image_encoder` alone.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts.
            image_encoder: as `mmkeras.models.build_image_encoder` accepts it.
            image_size: int, side in pixels, or `None` for the encoder's own.
            trainable_encoder: bool, whether to train the image encoder; `None` to
                train it unless it is pretrained.
            seed: int, random seed, or `None`.
            **kwargs: passed to the backbone.

        Returns:
            The task, compiled with the defaults.

        Raises:
            TypeError: if an argument is unknown.
            ValueError: if the dataset lacks what the task needs, or the encoder is
                unknown.
        """
        refuse_unknown_arguments(
            kwargs,
            f"{cls.__name__}.from_data",
            cls.from_data,
            cls.from_image_encoder,
            cls.backbone_cls,
            but=["dataset", "image_converter"],
        )
        if seed is not None:
            keras.utils.set_random_seed(seed)
        encoder, scale, offset = build_image_encoder(
            image_encoder, image_size, trainable_encoder
        )
        converter = ImageConverter(encoder.image_size, scale=scale, offset=offset)
        return cls.from_image_encoder(dataset, encoder, converter, **kwargs)

    @classmethod
    def from_image_encoder(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: ImageEncoder,
        image_converter: ImageConverter,
        **kwargs: Any,
    ) -> ImageTask:
        """Creates a task around an image encoder; a subclass overrides this.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts.
            image_encoder: an `ImageEncoder` layer.
            image_converter: an `ImageConverter`, which prepares images for it.
            **kwargs: passed to the backbone.
        """
        raise TypeError(f"{cls.__name__} must override `from_image_encoder`.")

    def signatures(self, **options: Any) -> dict:
        """The signatures of the task's SavedModel.

        `serving_default` has the outputs of `serve`. A subclass with other inputs than
        images, or with several signatures, overrides this.

        Args:
            **options: the options of the task's `TaskSpec.export_options`.

        Returns:
            dict from the name of a signature to a function and the list of its inputs,
            `tf.TensorSpec` (`row_signature` makes them).
        """
        serve = self._serving(options)
        return {"serving_default": row_signature(self.preprocessor, serve)}

    def static_form(self, **options: Any) -> StaticForm:
        """The task's LiteRT form.

        It has one signature, `TaskSpec.output`, from `image`, uint8
        `[1, height, width, 3]`, to the outputs of `serve`. A subclass with other
        inputs, or with several signatures, overrides this.

        Args:
            **options: the options of the task's `TaskSpec.export_options`.

        Returns:
            A `mmkeras.export.StaticForm`.
        """
        serve = self._serving(options)
        modality = self.preprocessor.modalities[0]
        inputs, description = modality.litert_input()

        def run(given):
            return serve(modality.from_litert(given))

        return StaticForm(
            signatures={self.spec.output: (run, inputs)},
            description={modality.key: description},
            verb_options=options,
        )

    def serve(self, images: tf.Tensor, **options: Any) -> dict[str, tf.Tensor]:
        """The outputs of an exported model, in graph; a subclass overrides this.

        The verb is best computed from the same outputs.

        Args:
            images: float32 `[rows, size, size, 3]`.
            **options: the options of the task's `TaskSpec.export_options`.

        Returns:
            dict of tensors `[rows, ...]`, with the key `TaskSpec.output`.
        """
        raise TypeError(
            f"{type(self).__name__} must override `serve`, or `signatures` and "
            "`static_form`, to be exported."
        )

    def _serving(self, options):
        kind = self.spec.load_export_options()
        if kind is not None:
            # Refuses wrong options.
            kind(**options)
        return functools.partial(self.serve, **options)
