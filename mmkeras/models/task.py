from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import keras_hub
import tensorflow as tf

from mmkeras import __version__
from mmkeras.arguments import check_choice, refuse_unknown_arguments, whole_number
from mmkeras.data import Batches, SamplePipeline, is_batched, missing_key
from mmkeras.data.require_dataset import require_dataset
from mmkeras.export import StaticForm, export_litert, export_saved_model
from mmkeras.models.adapters import Adapters
from mmkeras.models.cached_features import CachedFeatures
from mmkeras.models.default_optimizer import DefaultOptimizer, choose_optimizer
from mmkeras.models.evaluators import choose_evaluators
from mmkeras.models.kept_samples import choose_samples, read_samples, write_samples
from mmkeras.models.keras_loops import (
    evaluate_batches,
    fit_batches,
    predict_batches,
)
from mmkeras.models.predictions import Predictions
from mmkeras.models.preset import check_preset, task_of_preset, write_format
from mmkeras.models.run import Run
from mmkeras.models.task_spec import TaskSpec
from mmkeras.preprocessing import ON_ERROR, checked_outputs
from mmkeras.preprocessing.images.load_images import refuse_bad_images

if TYPE_CHECKING:
    from mmkeras.models import TaskPreprocessor


class Task(keras_hub.models.Task):
    """A backbone, a preprocessor, and the verbs of a purpose.

    `fit`, `evaluate` and `predict` accept datasets of raw samples, batched or not,
    and preprocess them in graph.

    Args:
        backbone: a `keras_hub.models.Backbone`.
        preprocessor: a `TaskPreprocessor`.
        compile: bool, whether to compile with the defaults of `compile`.
        **kwargs: arguments of `keras_hub.models.Task`.
    """

    # Attributes of the backbone that hold its layers; those that get adapters unless
    # others are given to `enable_lora`.
    parts: tuple[str, ...] = ()
    lora_parts: tuple[str, ...] = ()
    # Whether rows differ in shape from batch to batch, so that a batch cannot be filled
    # up from the next one.
    rows_vary = False
    # Set by `register_task`.
    spec: TaskSpec
    # Files that a preset of the task must have besides those of all presets.
    preset_assets: tuple[str, ...] = ()
    # The peak of the default learning-rate schedule.
    default_learning_rate = 1e-3

    def __init__(
        self,
        backbone: keras_hub.models.Backbone,
        preprocessor: TaskPreprocessor,
        compile: bool = True,
        **kwargs: Any,
    ):
        self.backbone = backbone
        self.preprocessor = preprocessor
        self._default_optimizer: DefaultOptimizer | None = None
        self._kept: tuple[dict, ...] | None = None
        self._kept_in: str | None = None
        super().__init__(compile=compile, **kwargs)
        self.built = True

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "auto",
        loss: Any = None,
        *,
        learning_rate: float | None = None,
        learning_rate_factors: dict[str, float] | None = None,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Configures training; a subclass sets the defaults of its loss and metrics.

        Args:
            optimizer: a Keras optimizer, or `"auto"` for
                `mmkeras.optimizers.ConvMuon` (Muon for matrices and convolutions,
                AdamW for the rest), with linear warm-up over the first steps of a
                `fit` and cosine decay to 0 over its epochs.
            loss: a Keras loss.
            learning_rate: float, the peak of the schedule of `"auto"`; `None` for
                `default_learning_rate`. A custom optimizer has its own learning rate.
            learning_rate_factors: dict of float above 0, factors of the learning rate
                by a part of the backbone or a prefix of variable paths:
                `{"image_encoder": 0.1}`. The longest matching prefix counts.
            jit_compile: bool, whether to compile training with XLA. Off by default: it
                makes some image encoders several times slower on CPUs.
            **kwargs: passed to `keras.Model.compile`.

        Raises:
            ValueError: if `learning_rate` is given with an optimizer, or
                `learning_rate_factors` has an unknown name.
        """
        with self.distribute_strategy.scope():
            optimizer, self._default_optimizer = choose_optimizer(
                optimizer,
                learning_rate,
                self.default_learning_rate,
                learning_rate_factors,
                self._parts(),
            )
        super().compile(
            optimizer=optimizer, loss=loss, jit_compile=jit_compile, **kwargs
        )

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
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains on raw samples.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            validation_data: a `tf.data.Dataset` of sample dicts, or `None`.
            batch_size: int, for datasets that are not batched yet.
            epochs: int.
            shuffle_buffer: int, size of the shuffle buffer, or `None` for 1,024. Only
                for a dataset that is not batched yet.
            seed: int, of the shuffling.
            on_error: string, `"raise"` an error that names an image that cannot be
                decoded, or `"skip"` its sample. Batches are then filled up from the
                next ones if the dataset is not batched yet. The history has the
                columns `skipped_images` and, with validation data,
                `val_skipped_images` (with `steps_per_epoch`, batches that are read
                ahead count too), and a warning at the end names the first few.
            feature_cache: folder for the features of a frozen image encoder
                (`cache_features`), so that it runs once and not in each epoch; the
                dataset must not be batched then, and batched validation data are used
                without a cache. `None` for no cache. `"auto"` caches them for the time
                of the training where it can: the encoder is frozen, there are several
                epochs, the dataset is not batched, its length is known, its images are
                the same at every pass, their features fit on half of the free disk,
                and `on_error` is `"raise"`.
            **kwargs: arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`, with a column `epoch_seconds`.

        Raises:
            ValueError: if the dataset has no samples, or lacks what the task needs;
                `on_error` is unknown; or it is `"raise"` and an image cannot be
                decoded.
        """
        require_dataset(x)
        check_choice("on_error", on_error, ("raise", "skip"))
        self._check_samples(x)
        epochs_to_run = max(1, epochs - kwargs.get("initial_epoch", 0))
        pipeline = self._pipeline(batch_size, on_error)
        features = CachedFeatures(self.backbone, self.preprocessor)
        with contextlib.ExitStack() as stack:
            if feature_cache == "auto":
                wanted = epochs_to_run > 1 and on_error == "raise"
                feature_cache = features.temporary_folder(x, stack) if wanted else None
            if feature_cache is not None:
                # Unreadable samples are skipped in each epoch, as without features.
                cache = functools.partial(
                    self.cache_features,
                    directory=feature_cache,
                    batch_size=batch_size,
                    verbose=kwargs.get("verbose", "auto") != 0,
                    on_error="keep" if on_error == "skip" else on_error,
                )
                x = cache(x) if features.are_missing(x) else x
                if features.are_missing(validation_data, batched=False):
                    validation_data = cache(validation_data)
            batches = pipeline.training(x, shuffle_buffer, seed)
            validation = None
            if validation_data is not None:
                validation = self._evaluation_batches(validation_data, pipeline)
            steps = kwargs.get("steps_per_epoch") or batches.steps
            self._prepare_optimizer(steps, epochs_to_run)
            return fit_batches(self, batches, validation, epochs, **kwargs)

    def evaluate(
        self,
        x: tf.data.Dataset,
        *,
        batch_size: int = 32,
        return_dict: bool = True,
        on_error: str = "raise",
        evaluators: str | Iterable[str] | None = "auto",
        **kwargs: Any,
    ) -> dict[str, Any] | list:
        """Losses and metrics on raw samples, every target counted once.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            batch_size: int, for a dataset that is not batched yet.
            return_dict: bool, whether to name the results.
            on_error: string, `"raise"` an error for an image that cannot be decoded,
                or `"skip"` it: `skipped_images` is then among the results, and a
                warning names the first few.
            evaluators: `"auto"` for the registered evaluators that fit the task and
                the data and take a single pass, e.g. CIDEr-D for captions; `"all"` for
                all that fit; a list of names; or `None` for losses and metrics only.
            **kwargs: arguments of `keras.Model.evaluate`.

        Returns:
            A dict of float by name, or a list.

        Raises:
            ValueError: if a sample lacks what the task needs, `on_error` is unknown,
                or it is `"raise"` and an image cannot be decoded.
        """
        require_dataset(x)
        # The `fit` of Keras evaluates validation data, which are batches by then.
        if not isinstance(x.element_spec, dict):
            return keras.Model.evaluate(self, x, return_dict=return_dict, **kwargs)
        batches = self._evaluation_batches(x, self._pipeline(batch_size, on_error))
        rows = self._number_of_rows(x)
        steps = -(-rows // batch_size) if rows > 0 else None
        results = evaluate_batches(self, batches, steps, **kwargs)
        predictions = Predictions(self, x, batch_size, on_error)
        for evaluator in choose_evaluators(evaluators, self.spec, x.element_spec):
            results |= evaluator(predictions)
        return results if return_dict else list(results.values())

    def predict(
        self, x: tf.data.Dataset, *, batch_size: int = 32, **kwargs: Any
    ) -> Any:
        """The model's raw outputs for raw samples.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            batch_size: int, for a dataset that is not batched yet.
            **kwargs: arguments of `keras.Model.predict`.

        Returns:
            A NumPy array, or a structure of them.

        Raises:
            ValueError: if a sample lacks what the task needs, or its image cannot be
                decoded.
        """
        batches = self._evaluation_batches(x, self._pipeline(batch_size))
        return predict_batches(self, batches, **kwargs)

    def cache_features(
        self,
        dataset: tf.data.Dataset,
        directory: str | os.PathLike,
        *,
        batch_size: int = 32,
        verbose: bool = True,
        on_error: str = "raise",
    ) -> tf.data.Dataset:
        """The dataset with the features of the frozen image encoder, kept on disk.

        Train and evaluate on it as on the dataset itself: the losses are the same
        (metrics of generated texts need the images), and the image encoder is not run
        again. The features are kept in `directory` for the next time, and found again
        by architecture and weights of the encoder, the preprocessing of images, and
        the contents of the dataset.

        Args:
            dataset: an unbatched `tf.data.Dataset` of sample dicts, in the same order
                at every pass.
            directory: folder for the features.
            batch_size: int, the number of images encoded at a time.
            verbose: bool, whether to show a progress bar.
            on_error: string, `"raise"` an error for an image that cannot be decoded;
                `"skip"` its sample, with a warning that names the first few; or
                `"keep"` its sample, which `fit(on_error="skip")` then skips and counts
                in each epoch.

        Returns:
            An unbatched `tf.data.Dataset` with `image_features`, float32
            `[regions, channels]`, in place of `image`, and with `"keep"`
            `image_error`, string, `""` for a valid image. A sample whose
            `image_present` is False is kept, if the task allows missing images.

        Raises:
            ValueError: if the image encoder is trainable; or the dataset is batched,
                lacks `image`, or has no samples.
        """
        cache = CachedFeatures(self.backbone, self.preprocessor).cache(directory)
        return cache.features(dataset, batch_size, verbose, on_error)

    @property
    def samples(self) -> tuple[dict, ...]:
        """The samples that the preset keeps, on which exported files are checked.

        Raises:
            ValueError: if the files in the preset are corrupted.
        """
        # Read when they are needed, so that nothing else fails if they are corrupted.
        if self._kept is None and self._kept_in is not None:
            self._kept = read_samples(self._kept_in, self.preprocessor.modalities)
        return self._kept or ()

    @samples.setter
    def samples(self, samples: Sequence[dict]) -> None:
        self._kept = tuple(samples)

    def keep_samples(self, dataset: tf.data.Dataset, number: int = 16) -> None:
        """Keeps a few samples in the preset, on which exported files are checked.

        Images are kept at the size of the model, with their first question.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts, not batched. Samples that
                cannot be decoded are skipped.
            number: int, the maximum number of samples.

        Raises:
            ValueError: if the dataset is batched.
        """
        modalities = self.preprocessor.modalities
        if is_batched(dataset.element_spec, modalities):
            raise ValueError(
                "`keep_samples` needs single samples. Give it the dataset before it is "
                "batched, or `dataset.unbatch()`."
            )
        self.samples = choose_samples(dataset, modalities, number)

    def enable_lora(
        self,
        rank: int,
        alpha: float | None = None,
        parts: Sequence[str] | None = None,
    ) -> None:
        """Freezes the model and trains low-rank adapters (LoRA) instead.

        If the model was compiled with your own optimizer, compile it again before
        `fit`. `save_lora` writes the adapters alone; `save_to_preset` and `export`
        write the model with the adapters merged into its weights.

        Args:
            rank: int, at least 1.
            alpha: float; adapters are scaled by `alpha / rank`. `None` for `rank`.
            parts: names of the parts of the backbone that get adapters, or `None` for
                those of `lora_parts` that have dense layers or convolutions;
                `"image_encoder"` may be among them.

        Raises:
            ValueError: if a part is unknown or has adapters already, or `rank` is
                not a positive integer.

        Reference:
            - [Hu et al., 2022](https://arxiv.org/abs/2106.09685)
        """
        with self.distribute_strategy.scope():
            self._adapters().enable(rank, alpha, parts)
        self._forget_graphs()

    def save_lora(self, path: str | os.PathLike) -> None:
        """Writes the adapters alone, a small file.

        Args:
            path: path of the file, e.g. `"birds.lora.h5"`.

        Raises:
            ValueError: if there are no adapters.
        """
        self._adapters().save(path)

    def load_lora(self, path: str | os.PathLike) -> None:
        """Adds adapters that `save_lora` wrote to the model that they were made for.

        Args:
            path: path of the file.

        Raises:
            FileNotFoundError: if the file does not exist.
            ValueError: if it has no adapters, or those of another model.
        """
        with self.distribute_strategy.scope():
            self._adapters().load(path)
        self._forget_graphs()

    def merge_lora(self) -> None:
        """Adds the adapters to the weights, which does not change any output."""
        self._adapters().merge()

    def signatures(self, **options: Any) -> dict:
        """The signatures of the task's SavedModel; a subclass overrides this.

        Args:
            **options: the options of the task's `TaskSpec.export_options`.

        Returns:
            dict from the name of a signature to a function and the list of its inputs,
            `tf.TensorSpec` (`row_signature` makes them).
        """
        raise TypeError(f"{type(self).__name__} has no `signatures` to export.")

    def static_form(self, **options: Any) -> StaticForm:
        """The task's LiteRT form; a subclass overrides this.

        Args:
            **options: the options of the task's `TaskSpec.export_options`.

        Returns:
            A `mmkeras.export.StaticForm`.
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

    def predict_each(
        self,
        values: Any,
        predict: Callable[[tf.Tensor], Iterable],
        *,
        batch_size: int = 32,
        on_error: str = "raise",
    ) -> Any:
        """Predicts from raw values of the first modality; for the verb of a subclass.

        Args:
            values: as `Modality.load` accepts them; for images a path, encoded bytes,
                a uint8 array `[height, width, 3]`, or a list of these.
            predict: function from decoded values, e.g. images, float32
                `[rows, size, size, 3]`, to an iterable with a prediction for each row.
            batch_size: int, number of values in a batch.
            on_error: string, what to do with values that cannot be decoded: `"raise"`
                an error that names them, `"skip"` them, with `None` in place of their
                predictions, or `"return"` an `UnreadableError` in place of each.

        Returns:
            The prediction for a single value, or a list of predictions.

        Raises:
            FileNotFoundError: if a path does not exist.
            ValueError: if a value cannot be decoded, or an argument is out of range.
        """
        check_choice("on_error", on_error, ON_ERROR)
        batch_size = whole_number("batch_size", batch_size, 1)
        modality = self.preprocessor.modalities[0]
        loaded, names, single = modality.load(values)
        rows = []
        for start in range(0, len(loaded), batch_size):
            part = slice(start, start + batch_size)
            decoded, errors = modality.decode(tf.constant(loaded[part]))
            errors = errors.numpy()
            if on_error == "raise":
                refuse_bad_images(errors, names[part])
            rows += checked_outputs(predict(decoded), names[part], errors, on_error)
        return rows[0] if single else rows

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
        write_samples(self.samples, preset_dir, self.preprocessor.modalities)

    def _check_samples(self, dataset) -> None:
        """Refuses a dataset whose first samples cannot be learned from."""
        samples, targets = dataset.element_spec, self.spec.targets
        if not set(targets) & samples.keys():
            raise ValueError(missing_key("' or '".join(targets), samples))

    def _draw(self, batches, seed):
        """Training batches with one target for each row, another in each epoch."""
        return batches

    def _references(self, dataset):
        """The dataset with one row for each target, for evaluation."""
        return dataset

    def _number_of_rows(self, dataset) -> int:
        """The number of rows that `_references` gives, negative if it is unknown."""
        return int(dataset.cardinality())

    def _finish(self, batches):
        """Preprocessed batches as a step takes them: without unnecessary padding."""
        return batches

    def _pipeline(self, batch_size: int, on_error: str = "raise") -> SamplePipeline:
        return SamplePipeline(
            self.preprocessor,
            batch_size,
            on_error,
            draw=self._draw,
            expand=self._references,
            finish=self._finish,
            refill=not self.rows_vary,
        )

    def _evaluation_batches(self, dataset, pipeline) -> Batches:
        require_dataset(dataset)
        self._check_samples(dataset)
        return pipeline.evaluation(dataset)

    def _prepare_optimizer(self, steps: int | None, epochs: int) -> None:
        """Builds the optimizer, and starts its schedule if it is the default one."""
        if not self.compiled:
            return
        with self.distribute_strategy.scope():
            if self._default_optimizer is not None:
                self._default_optimizer.begin(self, self._parts(), steps, epochs)
            else:
                # Building it in the graph of a step would trace that twice.
                self.optimizer.build(self.trainable_variables)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        # Keras looks at the mean of the replicas' parts of the first batch, which do
        # not have the same number of rows if the number of samples is odd.
        if iterator is not None and self._distribute_strategy is not None:
            _, _, batches = next(iter(iterator))
            parts_of = self.distribute_strategy.experimental_local_results
            data_batch = keras.tree.map_structure(
                lambda value: parts_of(value)[0], next(batches)
            )
            iterator = None
        super()._maybe_symbolic_build(iterator, data_batch)

    def _adapters(self) -> Adapters:
        return Adapters(self._parts(), self.lora_parts)

    def _parts(self) -> dict[str, keras.layers.Layer]:
        parts = {name: getattr(self.backbone, name) for name in self.parts}
        return {name: part for name, part in parts.items() if part is not None}

    def _forget_graphs(self) -> None:
        """Drops graphs that were traced with other variables than the present ones."""
        self.train_function = self.test_function = self.predict_function = None

    def _merged(self):
        """The task without adapters, which are merged into its weights instead."""
        if not self._adapters().enabled:
            return self
        with tempfile.TemporaryDirectory() as folder:
            self.save_to_preset(folder)
            merged = type(self).from_preset(folder)
        merged.samples = self.samples
        return merged
