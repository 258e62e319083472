from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING

import tensorflow as tf

from mmkeras.data import FeatureCache

if TYPE_CHECKING:
    import keras_hub

    from mmkeras.models import TaskPreprocessor


class CachedFeatures:
    """The features of a task's first modality, in place of its raw values.

    Args:
        backbone: the backbone of the task, with an encoder of the modality, e.g.
            `image_encoder`.
        preprocessor: the preprocessor of the task.
    """

    def __init__(
        self, backbone: keras_hub.models.Backbone, preprocessor: TaskPreprocessor
    ):
        self._modality = preprocessor.modalities[0]
        self._encoder = getattr(backbone, f"{self._modality.key}_encoder", None)

    def cache(self, directory: str | os.PathLike) -> FeatureCache:
        """The cache in a folder.

        Args:
            directory: path of the folder.
        """
        return FeatureCache(self._encoder, self._modality, directory)

    def temporary_folder(
        self, dataset: tf.data.Dataset, stack: ExitStack
    ) -> str | None:
        """A folder that is removed with `stack`.

        Args:
            dataset: the training data.
            stack: a `contextlib.ExitStack`.

        Returns:
            The path of the folder, or `None` if the features of the dataset cannot be
            cached.
        """
        if self._encoder is None:
            return None
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        return folder if self.cache(folder).suits(dataset) else None

    def are_missing(self, dataset: object, batched: bool | None = None) -> bool:
        """Whether a dataset has raw values of the modality rather than features.

        Args:
            dataset: a dataset, or `None`.
            batched: bool, to ask for batched or unbatched samples only.
        """
        if not isinstance(dataset, tf.data.Dataset):
            return False
        spec = dataset.element_spec
        if not isinstance(spec, dict) or self._modality.key not in spec:
            return False
        return batched is None or self._modality.batched(spec) == batched
