from __future__ import annotations

import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable

import keras
import tensorflow as tf

from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.transforms.batch_samples import batch_samples

_NAMES_SHOWN = 3
# Of the records: features, what is wrong with the picture, all else.
_LAYOUT = 2


def cache_features(
    dataset: tf.data.Dataset,
    encode: Callable[[dict], tuple[tf.Tensor, tf.Tensor]],
    identity: str,
    directory: str | os.PathLike,
    batch_size: int = 32,
    verbose: bool = True,
    on_error: str = "raise",
) -> tf.data.Dataset:
    """The dataset with `image_features` in place of `image`, kept on disk.

    What a frozen encoder makes of a picture is the same in every epoch, so that
    it need be computed once only. The features are found again by `identity` and
    by the contents of the dataset, pictures and texts, in their order; if either
    changes, they are computed anew. What was interrupted begins again.

    Args:
        dataset: an unbatched `tf.data.Dataset` of sample dicts, in an order that
            is the same at every pass (`fit` shuffles later).
        encode: a function from a batch of samples to float features
            `[batch, regions, channels]`, the same for the same picture, and what is
            wrong with each, string `[batch]`, empty where nothing is. A batch has
            `image`, and `image_id` and `image_present` where the samples have them: a
            picture that is said to be missing keeps its place, with whatever features
            `encode` gives it.
        identity: string, of whatever `encode` depends on: architecture, weights,
            preprocessing.
        directory: folder to keep features in; it is made if it is not there. They
            take 4 bytes for each region and channel of each sample.
        batch_size: int, samples encoded at a time.
        verbose: bool, whether to show a progress bar.
        on_error: string, `"raise"` for a picture that cannot be read, `"skip"` it,
            with a warning that names the first few, or `"keep"` its sample, for
            `fit(on_error="skip")` to leave out and count in each epoch.

    Returns:
        An unbatched `tf.data.Dataset` that reads from `directory` as it goes. With
        `"keep"` its samples have `image_error`, string, empty where the picture is
        fine.

    Raises:
        ValueError: if the dataset is batched, has no `image`, or has no samples, if
            `on_error` is not known, or a picture cannot be read and it is `"raise"`.

    Example:
        ```python
        cached = captioner.cache_features(train, "cache")   # calls this
        captioner.fit(cached, epochs=20)
        ```
    """
    _check(dataset)
    if on_error not in ("raise", "skip", "keep"):
        raise ValueError(
            "`on_error` must be 'raise' or 'skip', or 'keep' to mark what is bad. "
            f"Received: on_error={on_error!r}."
        )
    rest = {k: v for k, v in dataset.element_spec.items() if k != "image"}
    packed = dataset.map(_pack, num_parallel_calls=tf.data.AUTOTUNE)
    total, digest = _fingerprint(packed, f"{_LAYOUT} {identity} {rest}")
    if not total:
        raise ValueError(
            "The dataset has no samples. Check its split, or the filter that made it."
        )
    # With and without what is bad are two files, so that none is left out unasked.
    marked = on_error != "raise"
    path = pathlib.Path(directory) / f"{digest}{'.marked' if marked else ''}.tfrecord"
    if not path.is_file():
        _write(packed, encode, path, total, batch_size, verbose, marked)
    cached = _read(path, rest, marked).apply(
        tf.data.experimental.assert_cardinality(total)
    )
    return _without_bad(cached, total) if on_error == "skip" else cached


def _check(dataset) -> None:
    require_dataset(dataset)
    spec = dataset.element_spec
    if not isinstance(spec, dict) or "image" not in spec:
        raise ValueError(
            "Features are made of pictures: a sample must be a dict with the key "
            f"'image'. Received elements of: {spec}."
        )
    image = spec["image"]
    if image.shape.rank != (0 if image.dtype == tf.string else 3):
        raise ValueError(
            "Give the dataset before it is batched. Received images of shape "
            f"{image.shape}."
        )


def _pack(sample: dict) -> dict:
    """The picture, what is said of it, and all else as one string for each tensor."""
    rest = {k: v for k, v in sample.items() if k != "image"}
    flat = tf.nest.flatten(rest, expand_composites=True)
    packed = {
        "image": sample["image"],
        "rest": tf.stack([tf.io.serialize_tensor(part) for part in flat])
        if flat
        else tf.zeros([0], tf.string),
    }
    said = {k: v for k, v in sample.items() if k in ("image_id", "image_present")}
    return {**packed, **said}


def _read(path: pathlib.Path, rest: dict, marked: bool) -> tf.data.Dataset:
    records = tf.data.TFRecordDataset(str(path))
    unpack = _unpack(rest, marked)
    shape = unpack(next(iter(records)))["image_features"].shape

    def read(record):
        sample = unpack(record)
        # Of features of unknown shape a batch would be ragged.
        sample["image_features"] = tf.ensure_shape(sample["image_features"], shape)
        return sample

    return records.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _unpack(rest: dict, marked: bool) -> Callable[[tf.Tensor], dict]:
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
        features = tf.io.parse_tensor(features, tf.float32)
        mark = {"image_error": tf.ensure_shape(error, [])} if marked else {}
        return {**sample, "image_features": features, **mark}

    return unpack


def _fingerprint(packed, identity) -> tuple[int, str]:
    digest = hashlib.sha256(identity.encode("utf-8"))
    total = 0
    for sample in packed.as_numpy_iterator():
        for part in (sample["image"], *sample["rest"]):
            data = part if isinstance(part, bytes) else part.tobytes()
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        total += 1
    return total, digest.hexdigest()[:32]


def _without_bad(cached, total) -> tf.data.Dataset:
    bad = _bad_samples(cached)
    if len(bad) == total:
        raise ValueError(
            f"None of the {total} images can be used: {_named(bad)}. Convert them to "
            "JPEG or PNG."
        )
    if bad:
        warnings.warn(
            f"{len(bad)} of {total} images could not be used and were left out of "
            f"the features: {_named(bad)}.",
            stacklevel=3,
        )

    def unmarked(sample):
        return {key: value for key, value in sample.items() if key != "image_error"}

    good = cached.filter(lambda sample: tf.equal(sample["image_error"], ""))
    return good.map(unmarked, num_parallel_calls=tf.data.AUTOTUNE).apply(
        tf.data.experimental.assert_cardinality(total - len(bad))
    )


def _bad_samples(cached) -> list[str]:
    """What is wrong with each picture that cannot be used, after its name."""

    def said(place, sample):
        said = {key: sample[key] for key in ("image_id",) if key in sample}
        return place, {**said, "image_error": sample["image_error"]}

    marks = cached.enumerate().map(said, num_parallel_calls=tf.data.AUTOTUNE)
    bad = marks.filter(lambda _, sample: tf.not_equal(sample["image_error"], ""))
    return [
        line
        for place, sample in bad.batch(1)
        for line in _bad_pictures(sample, sample["image_error"].numpy(), int(place[0]))
    ]


def _named(bad: list[str]) -> str:
    return "; ".join(bad[:_NAMES_SHOWN])


def _write(packed, encode, path, total, batch_size, verbose, marked) -> None:
    encode = tf.function(encode, autograph=False, reduce_retracing=True)
    progress = keras.utils.Progbar(total, verbose=int(verbose), unit_name="picture")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole, so that a part is never taken for it.
    partial = path.with_suffix(f".{os.getpid()}.partial")
    place = 0
    try:
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for batch in batch_samples(packed, batch_size):
                features, errors = encode(batch)
                bad = _bad_pictures(batch, errors.numpy(), place)
                if bad and not marked:
                    raise ValueError(
                        f"Features cannot be made of all images: {_named(bad)}. "
                        "Replace these, or leave them out with on_error='skip'."
                    )
                _write_batch(writer, tf.cast(features, tf.float32), batch, errors)
                place += len(features)
                progress.add(len(features))
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_batch(writer, features, batch, errors) -> None:
    rows = zip(features, errors.numpy(), batch["rest"].numpy(), strict=True)
    for row, error, rest in rows:
        record = [tf.io.serialize_tensor(row).numpy(), error, *rest]
        writer.write(tf.io.serialize_tensor(record).numpy())


def _bad_pictures(batch, errors, place) -> list[str]:
    names = [f"image {place + row}" for row in range(len(errors))]
    if "image_id" in batch:
        ids = batch["image_id"].numpy().tolist()
        names = [i.decode("utf-8") if isinstance(i, bytes) else str(i) for i in ids]
    return [
        f"{name}: {error.decode('utf-8')}"
        for name, error in zip(names, errors, strict=True)
        if error
    ]
