from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import keras_hub
import tensorflow as tf

from mmkeras import __version__
from mmkeras.arguments.check_choice import check_choice
from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.data import (
    SkippedImages,
    batch_samples,
    cache_features,
    number_samples,
)
from mmkeras.data.is_batched import is_batched
from mmkeras.data.is_repeatable import is_repeatable
from mmkeras.data.require_dataset import require_dataset
from mmkeras.export import export_litert, export_saved_model
from mmkeras.models.adaptable import Adaptable
from mmkeras.models.count_skipped import CountSkipped
from mmkeras.models.default_optimizer import DefaultOptimizer
from mmkeras.models.epoch_seconds import EpochSeconds
from mmkeras.models.evaluators import choose_evaluators
from mmkeras.models.keeps_samples import KeepsSamples
from mmkeras.models.kept_samples import write_samples
from mmkeras.models.plain_errors import plain_errors
from mmkeras.models.predictions import Predictions
from mmkeras.models.preset import check_preset, task_of_preset, write_format
from mmkeras.models.run import Run
from mmkeras.models.task_spec import TaskSpec


class Task(Adaptable, DefaultOptimizer, KeepsSamples, keras_hub.models.Task):
    """A backbone, a preprocessor, and the verbs of a purpose.

    `fit`, `evaluate` and `predict` take datasets of raw samples, batched or not,
    and preprocess them in graph. A subclass names its `parts` (`Adaptable`).

    Args:
        backbone: a `keras_hub.models.Backbone`.
        preprocessor: a `keras_hub.models.Preprocessor`.
    """

    # Whether batches differ in the shape of their rows, so that one cannot be filled
    # up from the next.
    rows_vary = False
    # Set by `register_task`.
    spec: TaskSpec
    # Files that a preset of the task must have besides those of all presets.
    preset_assets: tuple[str, ...] = ()

    def __init__(self, backbone, preprocessor, compile: bool = True, **kwargs):
        self.backbone = backbone
        self.preprocessor = preprocessor
        self._scheduled = False
        super().__init__(compile=compile, **kwargs)
        self.built = True

    def fit(
        self,
        x: tf.data.Dataset,
        *,
        validation_data: tf.data.Dataset | None = None,
        batch_size: int = 32,
        epochs: int = 1,
        shuffle_buffer: int | None = None,
        seed: int = 0,
        on_error: str = "raise",
        feature_cache: str | os.PathLike | None = "auto",
        **kwargs,
    ) -> keras.callbacks.History:
        """Trains on raw samples.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            validation_data: the same, or `None`.
            batch_size: int, for datasets that are not batched yet.
            epochs: int.
            shuffle_buffer: int, samples held back to shuffle from; `None` for
                1,024. Only for a dataset that is not batched yet.
            seed: int, of the shuffling.
            on_error: string, what to do with a picture that cannot be read:
                `"raise"` an error that names it, or `"skip"` it: it is left out of
                its batch, which the next ones fill up where the dataset is not
                batched yet. The history then has the columns `skipped_images` and,
                with validation data, `val_skipped_images` (with
                `steps_per_epoch`, batches that are read ahead count too), and a
                warning at the end names the first few.
            feature_cache: folder to keep what a frozen image encoder makes of the
                pictures (`cache_features`), so that it is run once and not in each
                epoch; the dataset must not be batched then, and validation data that
                are batched are taken as they are. `None` for none. `"auto"` does so
                for the time of the training where it can: the encoder is frozen,
                there are several epochs, the dataset is not batched, its length is
                known, its pictures are the same at every pass, they fit on half of
                the free disk, and `on_error` is `"raise"`.
            **kwargs: passed to `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`, with a column `epoch_seconds` too.

        Raises:
            ValueError: if the dataset has no samples, a sample is not what the task
                needs, `on_error` is not known, or it is `"raise"` and a picture cannot
                be read.
        """
        require_dataset(x)
        check_choice("on_error", on_error, ("raise", "skip"))
        self._check_samples(x)
        with contextlib.ExitStack() as stack:
            if feature_cache == "auto":
                runs = epochs - kwargs.get("initial_epoch", 0)
                asked = runs > 1 and on_error == "raise"
                feature_cache = self._place_of_features(x, stack) if asked else None
            if feature_cache is not None:
                cached = functools.partial(
                    self.cache_features,
                    directory=feature_cache,
                    batch_size=batch_size,
                    verbose=kwargs.get("verbose", "auto") != 0,
                    # Left out and counted in each epoch, as without features.
                    on_error="keep" if on_error == "skip" else on_error,
                )
                if "image" in x.element_spec:
                    x = cached(x)
                if _has_single_pictures(validation_data):
                    validation_data = cached(validation_data)
            batches = self._training_batches(
                x, batch_size, shuffle_buffer, seed, on_error
            )
            return self._fit(
                batches, x, validation_data, batch_size, epochs, seed, on_error, kwargs
            )

    def _training_batches(self, x, batch_size, shuffle_buffer, seed, on_error):
        batches = batch_samples(
            x if on_error == "raise" else number_samples(x),
            batch_size,
            shuffle_buffer=shuffle_buffer or 1024,
            seed=seed,
        )
        if int(batches.cardinality()) == 0:
            raise ValueError(
                "The training dataset has no samples. Check its split, or the "
                "filter that made it."
            )
        return batches

    def _fit(
        self, batches, x, validation_data, batch_size, epochs, seed, on_error, kwargs
    ):
        if self._scheduled:
            steps = kwargs.get("steps_per_epoch") or int(batches.cardinality())
            if steps < 0:
                raise ValueError(
                    "The schedule of the learning rate needs the number of steps, "
                    "which a filtered or generated dataset does not tell. Give "
                    "`steps_per_epoch=`, or apply "
                    "`tf.data.experimental.assert_cardinality(number)` to it."
                )
            self._schedule(steps * (epochs - kwargs.get("initial_epoch", 0)))
        skipped, held_out = _skipped(on_error), None
        if validation_data is not None:
            held_out = _skipped(on_error)
            kwargs["validation_data"] = self._prepare(
                validation_data, batch_size, held_out
            )
        batches = self._draw(batches, seed)
        own = [EpochSeconds()]
        if skipped is None:
            batches = self._preprocess(batches)
            batches = self._set_up_once(batches, epochs, kwargs)
        else:
            full = self._filled_up_to(x, batch_size)
            batches = self._preprocess_readable(batches, skipped, full)
            own.append(CountSkipped(skipped, held_out))
        others = keras.tree.flatten(kwargs.pop("callbacks", None) or [])
        kwargs["callbacks"] = [*own, *others]
        # Built in the graph of the step, its variables would have that traced twice.
        if self.compiled:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        try:
            with plain_errors(may_skip=True):
                return keras.Model.fit(self, batches, epochs=epochs, **kwargs)
        finally:
            for found, what in ((skipped, "training"), (held_out, "validation")):
                if found is not None:
                    found.warn(what)

    def _set_up_once(self, batches, epochs, kwargs):
        """The batches of all epochs, where it is known how many make one.

        Keras sets up a dataset of one epoch twice for each, which takes seconds where
        pictures are decoded.
        """
        steps = int(batches.cardinality())
        if (
            steps < 1
            or kwargs.get("steps_per_epoch") is not None
            or steps % getattr(self, "steps_per_execution", 1)
            # Each worker has a part of the batches, and they end together or hang.
            or isinstance(
                self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
            )
        ):
            return batches
        kwargs["steps_per_epoch"] = steps
        return batches.repeat(max(1, epochs - kwargs.get("initial_epoch", 0)))

    def _place_of_features(self, x, stack) -> str | None:
        """A folder for features that is removed with `stack`, or `None`."""
        encoder = self.backbone.image_encoder
        number = int(x.cardinality())
        spec = x.element_spec
        if encoder.trainable_weights or number < 0 or "image" not in spec:
            return None
        if is_batched(spec) or not is_repeatable(x):
            return None
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        # float32 for each region and channel.
        needed = 4 * number * math.prod(encoder.compute_output_shape((1,))[1:])
        return folder if needed < shutil.disk_usage(folder).free / 2 else None

    def evaluate(
        self,
        x: tf.data.Dataset,
        *,
        batch_size: int = 32,
        return_dict: bool = True,
        on_error: str = "raise",
        evaluators: str | Iterable[str] | None = "auto",
        **kwargs,
    ):
        """Losses and metrics on raw samples, every reference counted once.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            batch_size: int, for a dataset that is not batched yet.
            return_dict: bool, whether to name the results.
            on_error: string, `"raise"` for a picture that cannot be read, or
                `"skip"` it: `skipped_images` is then among the results, and a
                warning names the first few.
            evaluators: `"auto"` for the registered evaluators that fit the task and
                the data and take a single pass, e.g. CIDEr-D for captions; `"all"` for
                all that fit; a list of names; or `None` for losses and metrics only.
            **kwargs: passed to `keras.Model.evaluate`.

        Returns:
            A dict of float by name, or a list.

        Raises:
            ValueError: if a sample is not what the task needs, `on_error` is not known,
                or it is `"raise"` and a picture cannot be read.
        """
        skipped = _skipped(on_error)
        data = self._prepare(x, batch_size, skipped)
        with plain_errors(may_skip=True):
            results = keras.Model.evaluate(self, data, return_dict=True, **kwargs)
        if skipped is not None:
            results["skipped_images"] = skipped.count()
            skipped.warn("the evaluation")
        # `fit` evaluates validation data that are preprocessed already.
        if isinstance(x.element_spec, dict):
            predictions = Predictions(self, x, batch_size, on_error)
            for evaluator in choose_evaluators(evaluators, self.spec, x.element_spec):
                results |= evaluator(predictions)
        return results if return_dict else list(results.values())

    def predict(self, x: tf.data.Dataset, *, batch_size: int = 32, **kwargs):
        """The model's raw outputs for raw samples.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            batch_size: int, for a dataset that is not batched yet.
            **kwargs: passed to `keras.Model.predict`.

        Returns:
            A NumPy array, or a structure of them.

        Raises:
            ValueError: if a sample is not what the task needs, or its picture cannot
                be read.
        """
        with plain_errors(may_skip=False):
            return keras.Model.predict(self, self._prepare(x, batch_size), **kwargs)

    def cache_features(
        self,
        dataset: tf.data.Dataset,
        directory: str | os.PathLike,
        *,
        batch_size: int = 32,
        verbose: bool = True,
        on_error: str = "raise",
    ) -> tf.data.Dataset:
        """The dataset with what the frozen image encoder makes of its pictures.

        Train and evaluate on it as on the dataset itself: the same losses come
        out (what is measured on generated texts needs the pictures), and no
        epoch but the first has to run the image encoder. The features are kept
        in `directory` for the next time, and found again by architecture and
        weights of the encoder, the preprocessing of pictures, and the contents
        of the dataset.

        Args:
            dataset: an unbatched `tf.data.Dataset` of sample dicts, in an order
                that is the same at every pass.
            directory: folder to keep the features in.
            batch_size: int, pictures encoded at a time.
            verbose: bool, whether to show a progress bar.
            on_error: string, `"raise"` for a picture that cannot be read, `"skip"`
                it, with a warning that names the first few, or `"keep"` its sample,
                for `fit(on_error="skip")` to leave out and count in each epoch.

        Returns:
            An unbatched `tf.data.Dataset` with `image_features`, float32
            `[regions, channels]`, in place of `image`, and with `"keep"`
            `image_error`, string, empty where the picture is fine. A sample that
            says by `image_present` that its picture is missing keeps its place,
            where the task allows for that.

        Raises:
            ValueError: if the image encoder is trainable, or the dataset is
                batched, has no `image`, or has no samples.
        """
        encoder = self.backbone.image_encoder
        if encoder.trainable_weights:
            raise ValueError(
                "The image encoder is trained, so what it makes of a picture changes "
                "with every step. Freeze it (`trainable_encoder=False` in "
                "`from_data`), or train on the pictures themselves."
            )

        def encode(batch):
            batch, error = self.preprocessor.read_images(batch)
            return encoder(batch["images"], training=False), error

        return cache_features(
            dataset,
            encode,
            _identity(encoder, self.preprocessor.image_converter),
            directory,
            batch_size=batch_size,
            verbose=verbose,
            on_error=on_error,
        )

    def signatures(self, **options: Any) -> dict:
        """The signatures of the task's SavedModel; a subclass overrides this.

        Args:
            **options: the options of the task's `TaskSpec.export_options`.

        Returns:
            dict from the name of a signature to a function and the list of its inputs,
            `tf.TensorSpec` (`row_signature` makes them).
        """
        raise TypeError(f"{type(self).__name__} has no `signatures` to export.")

    def static_form(self, **options: Any):
        """The task's LiteRT form; a subclass overrides this.

        Args:
            **options: the options of the task's `TaskSpec.export_options`.

        Returns:
            A `mmkeras.export.static_form.StaticForm`.
        """
        raise TypeError(f"{type(self).__name__} has no `static_form` to export.")

    def predict_samples(self, samples: Sequence[Mapping], **options: Any) -> list:
        """Predicts from raw samples with the task's verb.

        Args:
            samples: sequence of dicts with the keys of `TaskSpec.inputs`.
            **options: options of the verb.

        Returns:
            list, the predictions.
        """
        columns = [[sample[key] for sample in samples] for key in self.spec.inputs]
        return getattr(self, self.spec.verb)(*columns, **options)

    def export(
        self, path: str | os.PathLike, format: str = "saved_model", **kwargs: Any
    ) -> dict | None:
        """Exports the task for serving: raw inputs in, readable outputs out.

        Args:
            path: folder to write for TensorFlow (Serving), e.g.
                `"export/captioner/1"`, or file for phones, e.g. `"captioner.tflite"`.
            format: string, `"saved_model"` or `"litert"`.
            **kwargs: options of the format: `help(mmkeras.export.export_saved_model)`,
                `help(mmkeras.export.export_litert)`.

        Returns:
            `None`, or for LiteRT a dict: the size of the file, the number of samples
            it was checked on, and the share with the same output as the task.

        Raises:
            TypeError: if an option is unknown.
            ValueError: if the format is unknown.
        """
        check_choice("format", format, ("saved_model", "litert"))
        litert = format == "litert"
        write = export_litert if litert else export_saved_model
        form = self.static_form if litert else self.signatures
        options = self.spec.load_export_options()
        refuse_unknown_arguments(
            kwargs,
            f"The export of {type(self).__name__}",
            write,
            form,
            *([] if options is None else [options]),
            but=["task", "path"],
        )
        return write(self._merged(), path, **kwargs)

    @classmethod
    def from_run(cls, run: Run, train: tf.data.Dataset) -> Task:
        """Creates the task of a training run, compiled.

        Args:
            run: a `Run` of the task.
            train: the training data, an unbatched `tf.data.Dataset` of sample dicts.
        """
        if run.preset is not None:
            task = cls.from_preset(run.preset)
        else:
            task = cls.from_data(train, seed=run.seed, **run.arguments("model"))
        if getattr(run, "unfreeze_layers", None) is not None:
            task.backbone.image_encoder.unfreeze(run.unfreeze_layers)
        if run.lora_rank is not None:
            task.enable_lora(run.lora_rank)
        task.compile(**run.arguments("compile"))
        return task

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, load_weights: bool = True, **kwargs: Any
    ) -> Task:
        """Loads a preset.

        `Task.from_preset` loads a preset of any task, also of plugins.

        Args:
            preset: path of a folder that `save_to_preset` or `mmkeras train` wrote, or
                a handle of KerasHub (`kaggle://`, `hf://`).
            load_weights: bool, whether to load the weights.
            **kwargs: passed to the task.

        Returns:
            The task.

        Raises:
            FileNotFoundError: if the folder or one of its files does not exist.
            ValueError: if a file of the preset is corrupted or of another format, or
                the preset is not of this task.
        """
        preset = os.fspath(preset)
        if "://" in preset:
            return super().from_preset(preset, load_weights=load_weights, **kwargs)
        folder = pathlib.Path(preset)
        if cls is Task:
            found = task_of_preset(folder)
            return found.from_preset(preset, load_weights=load_weights, **kwargs)
        check_preset(folder, cls, cls.preset_assets)
        try:
            task = super().from_preset(preset, load_weights=load_weights, **kwargs)
        except (OSError, KeyError) as error:
            raise ValueError(
                f"The weights in {folder / 'model.weights.h5'} cannot be read: the "
                "file is truncated or corrupted. Copy the preset again, or train it "
                f"again. ({error})"
            ) from error
        task._kept_in = preset
        return task

    def save_to_preset(self, preset_dir: str | os.PathLike, **kwargs: Any) -> None:
        """Saves configuration, weights and assets to a folder.

        Args:
            preset_dir: path of the folder; it is created if it does not exist.
            **kwargs: passed to KerasHub.
        """
        os.makedirs(preset_dir, exist_ok=True)
        super().save_to_preset(os.fspath(preset_dir), **kwargs)
        write_format(pathlib.Path(preset_dir), __version__)
        # Last: if the samples of the original preset are corrupted, the model is safe.
        write_samples(self.samples, preset_dir)

    def _prepare(self, dataset, batch_size, skipped=None):
        require_dataset(dataset)
        # `fit` hands its validation data, prepared, to `evaluate`.
        if not isinstance(dataset.element_spec, dict):
            return dataset
        self._check_samples(dataset)
        if skipped is None:
            samples = self._references(dataset)
            return self._preprocess(batch_samples(samples, batch_size))
        samples = self._references(number_samples(dataset))
        full = self._filled_up_to(samples, batch_size)
        batches = batch_samples(samples, batch_size)
        return self._preprocess_readable(batches, skipped, full)

    def _filled_up_to(self, dataset, batch_size) -> int | None:
        taken_as_it_is = self.rows_vary or is_batched(dataset.element_spec)
        return None if taken_as_it_is else batch_size

    def _check_samples(self, dataset) -> None:
        """Refuses, by a look at the first few, what cannot be learned from."""

    def _draw(self, batches, seed):
        """Training batches with one target for each row, another each epoch."""
        return batches

    def _references(self, dataset):
        """The dataset with a row for each target, as evaluation wants it."""
        return dataset

    def _finish(self, batches):
        """Preprocessed batches as a step takes them: without needless padding."""
        return batches

    def _preprocess(self, batches):
        batches = batches.map(self.preprocessor, num_parallel_calls=tf.data.AUTOTUNE)
        return self._finish(batches).prefetch(tf.data.AUTOTUNE)

    def _preprocess_readable(self, batches, skipped, batch_size):
        """Without the bad pictures; batches are filled up to `batch_size` if given."""

        def preprocess(batch):
            picture = batch["sample_number"]
            batch, error = self.preprocessor.read_images(batch)
            name = tf.strings.join(["image ", tf.strings.as_string(picture)])
            if "image_id" in batch:
                name = batch["image_id"]
                name = name if name.dtype == tf.string else tf.strings.as_string(name)
            good = tf.equal(error, "")
            batch = {
                key: tf.ragged.boolean_mask(value, good)
                if isinstance(value, tf.RaggedTensor)
                else tf.boolean_mask(value, good)
                for key, value in batch.items()
            }
            report = {"error": error, "name": name, "picture": picture}
            return self.preprocessor(batch), report

        batches = batches.map(preprocess, num_parallel_calls=tf.data.AUTOTUNE)
        batches = skipped.drop(batches, batch_size)
        return self._finish(batches).prefetch(tf.data.AUTOTUNE)


def _has_single_pictures(dataset) -> bool:
    if not isinstance(dataset, tf.data.Dataset):
        return False
    spec = dataset.element_spec
    return isinstance(spec, dict) and "image" in spec and not is_batched(spec)


def _skipped(on_error: str) -> SkippedImages | None:
    check_choice("on_error", on_error, ("raise", "skip"))
    return SkippedImages() if on_error == "skip" else None


def _identity(encoder, converter) -> str:
    digest = hashlib.sha256()
    for part in (encoder, converter):
        config = keras.saving.serialize_keras_object(part)
        # Keras counts the layers of a session in their names.
        config["config"].pop("name", None)
        digest.update(json.dumps(config, sort_keys=True).encode("utf-8"))
    for weight in encoder.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()
