from __future__ import annotations

import tensorflow as tf

from mmkeras.data import batch_samples, number_samples
from mmkeras.models.task import Task

_LOOKED_AT = ("image", "image_id", "image_present", "sample_number")


def readable_samples(
    task: Task, samples: tf.data.Dataset, batch_size: int = 32
) -> tuple[tf.data.Dataset, list[str]]:
    """Leaves out the samples whose picture cannot be read, after one look at all.

    For measurements that go over the same samples several times, or have no `on_error`
    of their own. A picture that is said to be missing is none that cannot be read.

    Args:
        task: the task that is to read them.
        samples: an unbatched `tf.data.Dataset` of sample dicts with `image`, in an
            order that is the same at every pass.
        batch_size: int, pictures decoded at a time.

    Returns:
        The dataset without these samples, and for each that was left out its name and
        the reason.

    Raises:
        ValueError: if no picture can be read.
    """
    numbered = number_samples(samples)
    bad, total = _bad_samples(task, numbered, batch_size)
    if not bad:
        return samples, []
    if len(bad) == total:
        raise ValueError(
            f"None of the {total} images can be used: {next(iter(bad.values()))}. "
            "Convert them to JPEG or PNG."
        )
    numbers = tf.constant(list(bad), tf.int64)

    def without_number(sample):
        return {key: value for key, value in sample.items() if key != "sample_number"}

    readable = numbered.filter(
        lambda sample: tf.reduce_all(tf.not_equal(sample["sample_number"], numbers))
    ).map(without_number)
    count = tf.data.experimental.assert_cardinality(total - len(bad))
    return readable.apply(count), list(bad.values())


def _bad_samples(task, numbered, batch_size) -> tuple[dict[int, str], int]:
    """What is wrong with samples by their numbers, and how many there are in all."""

    @tf.function(reduce_retracing=True, autograph=False)
    def errors_of(batch):
        return task.preprocessor.read_images(batch)[1]

    def looked_at(sample):
        return {key: sample[key] for key in _LOOKED_AT if key in sample}

    bad, total = {}, 0
    for batch in batch_samples(numbered.map(looked_at), batch_size):
        numbers = batch["sample_number"].numpy().tolist()
        names = [f"image {number}" for number in numbers]
        if "image_id" in batch:
            ids = batch["image_id"].numpy().tolist()
            names = [i.decode("utf-8") if isinstance(i, bytes) else str(i) for i in ids]
        errors = errors_of(batch).numpy()
        for number, name, error in zip(numbers, names, errors, strict=True):
            if error:
                bad[number] = f"{name}: {error.decode('utf-8')}"
        total += len(numbers)
    return bad, total
