from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import warnings
from collections.abc import Callable

import keras
import tensorflow as tf

from mmkeras.arguments import check_choice
from mmkeras.data.decode_samples import decode_samples
from mmkeras.data.name_rows import label_rows
from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.transforms.batch_samples import batch_samples
from mmkeras.data.transforms.number_samples import number_samples
from mmkeras.preprocessing import Modality, shorten
from mmkeras.preprocessing.unreadable import unreadable

# Of the files: records of the features, the error of the sample, and all else.
_VERSION = 3
# Random changes and shuffling show in the first few samples of two passes.
_COMPARED_SAMPLES = 32


class FeatureCache:
    """Features of a frozen encoder, computed once and kept on disk.

    The features of a sample are the same in every epoch. They are found again by the
    encoder with its weights, the preprocessing of its inputs, and the contents and
    order of the dataset; if any of these changes, they are computed again. A file that
    was written by another version of this format is not read.

    Args:
        encoder: a built Keras layer without trainable weights, from the decoded values
            of a modality to features `[batch, tokens, channels]`.
        modality: the `Modality` that is encoded.
        directory: folder for the features, which take 4 bytes for each token and
            channel of each sample. It is created if it does not exist.

    Example:
        ```python
        cache = FeatureCache(encoder, ImageModality(converter), "cache")
        cached = cache.features(train)
        ```
    """

    def __init__(
        self,
        encoder: keras.layers.Layer,
        modality: Modality,
        directory: str | os.PathLike,
    ):
        self.encoder = encoder
        self.modality = modality
        self.directory = pathlib.Path(directory)
        self._encode = tf.function(
            self._encode_batch, autograph=False, reduce_retracing=True
        )

    def features(
        self,
        dataset: tf.data.Dataset,
        batch_size: int = 32,
        verbose: bool = True,
        on_error: str = "raise",
    ) -> tf.data.Dataset:
        """The dataset with features in place of the values that they are made of.

        Args:
            dataset: an unbatched `tf.data.Dataset` of sample dicts, in the same order
                at every pass (`fit` shuffles later).
            batch_size: int, the number of samples encoded at a time.
            verbose: bool, whether to show a progress bar.
            on_error: string, `"raise"` for a value that cannot be decoded; `"skip"` to
                remove its sample, with a warning that names the first few; or `"keep"`
                to keep its sample, which `fit(on_error="skip")` then skips and counts
                in each epoch.

        Returns:
            An unbatched `tf.data.Dataset` that reads from `directory`, with e.g.
            `image_features`, float32 `[tokens, channels]`, in place of `image`. With
            `"keep"` its samples also have `image_error`, string, `""` for a valid
            image. A sample whose optional modality is missing is kept.

        Raises:
            ValueError: if the encoder is trainable; the dataset is batched, lacks the
                modality, or has no samples; `on_error` is unknown; or it is `"raise"`
                and a value cannot be decoded.
        """
        self._check(dataset)
        check_choice("on_error", on_error, ("raise", "skip", "keep"))
        rest = {k: v for k, v in dataset.element_spec.items() if k != self.modality.key}
        packed = self._pack(dataset)
        total, digest = _fingerprint(
            packed, self.modality.key, f"{self._identity()} {rest}"
        )
        if not total:
            raise ValueError(
                "The dataset has no samples. Check its split, or the filter that "
                "made it."
            )
        # A file with errors is not read by who did not ask for them.
        marked = on_error != "raise"
        path = self._path(digest, marked)
        if not path.is_file():
            self._notice_other_versions(digest, path, verbose)
            self._write(packed, path, total, batch_size, verbose, marked)
        cached = self._read(path, rest, marked).apply(
            tf.data.experimental.assert_cardinality(total)
        )
        return self._without_errors(cached, total) if on_error == "skip" else cached

    def suits(self, dataset: tf.data.Dataset) -> bool:
        """Whether caching the features of a dataset works without being asked for.

        It does if the encoder is frozen, the dataset is not batched, its length is
        known, it has the same values at every pass, and its features fit on half of
        the free disk.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts.
        """
        spec, modality = dataset.element_spec, self.modality
        number = int(dataset.cardinality())
        if self.encoder.trainable_weights or number < 0 or modality.key not in spec:
            return False
        if modality.batched(spec) or not _is_repeatable(dataset, modality.key):
            return False
        spec = self._batches(self._pack(dataset)).element_spec
        features, *_ = self._encode.get_concrete_function(spec).structured_outputs
        # float32.
        needed = 4 * number * features.shape[1:].num_elements()
        return needed < shutil.disk_usage(self.directory).free / 2

    def _check(self, dataset) -> None:
        require_dataset(dataset)
        key, spec = self.modality.key, dataset.element_spec
        if self.encoder.trainable_weights:
            raise ValueError(
                f"The {key} encoder is trainable, so that its features change with "
                "every step. Freeze it (`trainable_encoder=False` in `from_data`), or "
                f"train on the {key}s themselves."
            )
        if not isinstance(spec, dict) or key not in spec:
            raise ValueError(
                f"To cache features, a sample must be a dict with the key {key!r}. "
                f"Received elements of: {spec}."
            )
        if self.modality.batched(spec):
            raise ValueError(
                "Cache the features of a dataset before it is batched. Received "
                f"{key}s of shape {spec[key].shape}."
            )

    def _pack(self, dataset) -> tf.data.Dataset:
        """The value, its name and presence, and all else as one string per tensor."""
        modality = self.modality
        kept = (modality.key, modality.id_key, modality.present_key)

        def pack(sample):
            rest = {k: v for k, v in sample.items() if k != modality.key}
            flat = tf.nest.flatten(rest, expand_composites=True)
            strings = [tf.io.serialize_tensor(part) for part in flat]
            packed = tf.stack(strings) if strings else tf.zeros([0], tf.string)
            return {**{k: sample[k] for k in kept if k in sample}, "rest": packed}

        return dataset.map(pack, num_parallel_calls=tf.data.AUTOTUNE)

    def _encode_batch(self, batch) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        decoded, errors, names = decode_samples(batch, (self.modality,))
        features = self.encoder(decoded[self.modality.input_key], training=False)
        return tf.cast(features, tf.float32), errors, names

    def _identity(self) -> str:
        """What the features depend on besides the dataset."""
        config = keras.saving.serialize_keras_object(self.encoder)
        # Keras counts the layers of a session in their names.
        config["config"].pop("name", None)
        digest = hashlib.sha256()
        for part in (config, self.modality.config(), self.modality.optional):
            digest.update(json.dumps(part, sort_keys=True).encode("utf-8"))
        for weight in self.encoder.get_weights():
            digest.update(weight.tobytes())
        return digest.hexdigest()

    def _path(self, digest, marked) -> pathlib.Path:
        marks = ".marked" if marked else ""
        return self.directory / f"{digest}.v{_VERSION}{marks}.tfrecord"

    def _notice_other_versions(self, digest, path, verbose) -> None:
        others = sorted(self.directory.glob(f"{digest}.v*.tfrecord"))
        others = [p for p in others if f".v{_VERSION}." not in p.name]
        if others and verbose:
            print(
                f"{others[0]} was written by another version of mmkeras: its features "
                f"are computed again for {path.name}. It can be deleted."
            )

    def _batches(self, packed, batch_size=1) -> tf.data.Dataset:
        numbered = number_samples(packed, (self.modality,))
        return batch_samples(numbered, batch_size, modalities=(self.modality,))

    def _write(self, packed, path, total, batch_size, verbose, marked) -> None:
        key = self.modality.key
        progress = keras.utils.Progbar(total, verbose=int(verbose), unit_name=key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Under another name until it is complete, so that a part is never read.
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            with tf.io.TFRecordWriter(str(partial)) as writer:
                for batch in self._batches(packed, batch_size):
                    features, errors, names = self._encode(batch)
                    bad = unreadable(names.numpy(), errors.numpy())
                    if bad and not marked:
                        raise ValueError(
                            f"Features cannot be made of all {key}s: {shorten(bad)}. "
                            "Replace these, or skip them with on_error='skip'."
                        )
                    _write_batch(writer, features, batch, errors)
                    progress.add(len(features))
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)

    def _read(self, path, rest, marked) -> tf.data.Dataset:
        records = tf.data.TFRecordDataset(str(path))
        unpack = self._unpack(rest, marked)
        key = self.modality.features_key
        shape = unpack(next(iter(records)))[key].shape

        def read(record):
            sample = unpack(record)
            # A batch of features of unknown shape would be ragged.
            sample[key] = tf.ensure_shape(sample[key], shape)
            return sample

        return records.map(
            read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def _unpack(self, rest, marked) -> Callable[[tf.Tensor], dict]:
        specs = tf.nest.flatten(rest, expand_composites=True)

        def unpack(record):
            features, error, *parts = tf.unstack(
                tf.io.parse_tensor(record, tf.string), num=2 + len(specs)
            )
            flat = [
                tf.ensure_shape(tf.io.parse_tensor(part, spec.dtype), spec.shape)
                for part, spec in zip(parts, specs, strict=True)
            ]
            sample = tf.nest.pack_sequence_as(rest, flat, expand_composites=True)
            sample[self.modality.features_key] = tf.io.parse_tensor(
                features, tf.float32
            )
            if marked:
                sample[self.modality.error_key] = tf.ensure_shape(error, [])
            return sample

        return unpack

    def _without_errors(self, cached, total) -> tf.data.Dataset:
        key, error_key = self.modality.key, self.modality.error_key
        bad = self._unreadable_samples(cached)
        if len(bad) == total:
            raise ValueError(
                f"None of the {total} {key}s can be used: {shorten(bad)}. Convert them."
            )
        if bad:
            warnings.warn(
                f"{len(bad)} of {total} {key}s could not be used and were left out of "
                f"the features: {shorten(bad)}.",
                stacklevel=4,
            )

        def unmarked(sample):
            return {k: v for k, v in sample.items() if k != error_key}

        valid = cached.filter(lambda sample: tf.equal(sample[error_key], ""))
        return valid.map(unmarked, num_parallel_calls=tf.data.AUTOTUNE).apply(
            tf.data.experimental.assert_cardinality(total - len(bad))
        )

    def _unreadable_samples(self, cached) -> list[str]:
        modality = self.modality
        keys = (modality.id_key, modality.error_key, "sample_number")

        def marks(sample):
            return {key: sample[key] for key in keys if key in sample}

        marked = number_samples(cached, (modality,)).map(marks)
        bad = marked.filter(lambda sample: tf.not_equal(sample[modality.error_key], ""))
        return [
            line
            for sample in bad.batch(1)
            for line in unreadable(
                label_rows(sample, tf.ones([], tf.int32), modality.key).numpy(),
                sample[modality.error_key].numpy(),
            )
        ]


def _fingerprint(packed, key, identity) -> tuple[int, str]:
    """The number of samples, and a digest of them and of what else matters."""
    digest = hashlib.sha256(identity.encode("utf-8"))
    total = 0
    for sample in packed.as_numpy_iterator():
        for part in (sample[key], *sample["rest"]):
            data = part if isinstance(part, bytes) else part.tobytes()
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        total += 1
    return total, digest.hexdigest()[:32]


def _write_batch(writer, features, batch, errors) -> None:
    rows = zip(features, errors.numpy(), batch["rest"].numpy(), strict=True)
    for row, error, rest in rows:
        record = [tf.io.serialize_tensor(row).numpy(), error, *rest]
        writer.write(tf.io.serialize_tensor(record).numpy())


def _is_repeatable(dataset, key) -> bool:
    """Whether two passes over a dataset give the same values in the same order."""
    values = dataset.map(lambda sample: sample[key]).take(_COMPARED_SAMPLES)
    return all(
        one.shape == two.shape and bool(tf.reduce_all(one == two))
        for one, two in tf.data.Dataset.zip(values, values)
    )
