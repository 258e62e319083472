from __future__ import annotations

import tensorflow as tf

from mmkeras.preprocessing.images.map_rows import map_rows
from mmkeras.preprocessing.images.read_bytes import read_bytes, read_number

_APP0, _APP1, _APP15, _COMMENT = 0xFFE0, 0xFFE1, 0xFFEF, 0xFFFE
_EXIF = list(b"Exif\0\0")
_JFIF = b"\xff\xe0\0\x10"
_ENTRY = 12
_MAX_ENTRIES = 512
_ORIENTATION_TAG = 0x0112
_SHORT, _LONG = 3, 4


def exif_orientation(image_bytes: tf.Tensor) -> tf.Tensor:
    """Reads the EXIF orientation of JPEG files, in graph.

    EXIF is expected among the application segments and comments at the beginning of
    the file, where all cameras and tools write it. Corrupt EXIF is ignored.

    Args:
        image_bytes: string `[batch]`, JPEG files; files of other formats are upright.

    Returns:
        int32 `[batch]`, 1 to 8; 1 (upright) if the file does not state it.

    Reference:
        - CIPA DC-008 (Exif 2.32), 4.5.4 and 4.6.4
    """
    # Most files have no EXIF: a JFIF segment and then a table, or no segment at
    # all. This is checked for the whole batch at once.
    head = tf.strings.substr(image_bytes, 0, 24)
    head = tf.io.decode_raw(head, tf.uint8, fixed_length=24)
    has_jfif = tf.reduce_all(tf.equal(head[:, 2:6], list(_JFIF)), axis=1)
    kind = tf.where(has_jfif, head[:, 21], head[:, 3])
    rows = tf.where(tf.logical_or(tf.equal(kind // 16, 0x0E), tf.equal(kind, 0xFE)))
    upright = tf.ones_like(image_bytes, tf.int32)
    return tf.cond(
        tf.size(rows) > 0,
        lambda: tf.tensor_scatter_nd_update(
            upright,
            rows,
            map_rows(
                lambda data: _read_directory(_find_exif(data)),
                tf.gather_nd(image_bytes, rows),
            ),
        ),
        lambda: upright,
    )


def _is_skipped(marker: tf.Tensor) -> tf.Tensor:
    application = tf.logical_and(marker >= _APP0, marker <= _APP15)
    return tf.logical_or(application, tf.equal(marker, _COMMENT))


def _find_exif(image_bytes: tf.Tensor) -> tf.Tensor:
    """The TIFF file in the first EXIF segment, or an empty string."""

    def is_exif(head):
        marked = tf.equal(read_number(head, [0, 1]), _APP1)
        return tf.logical_and(marked, tf.reduce_all(tf.equal(head[4:], _EXIF)))

    def proceed(place, head):
        skipped = _is_skipped(read_number(head, [0, 1]))
        return tf.logical_and(skipped, tf.logical_not(is_exif(head)))

    def skip(place, head):
        # The length includes its own two bytes, so even 0 advances.
        place += 2 + read_number(head, [2, 3])
        return place, read_bytes(image_bytes, place, 10)

    place = tf.constant(2, tf.int64)
    head = read_bytes(image_bytes, place, 10)
    place, head = tf.while_loop(proceed, skip, [place, head])
    length = tf.where(is_exif(head), read_number(head, [2, 3]) - 8, 0)
    size = tf.strings.length(image_bytes)
    start = tf.minimum(tf.cast(place, tf.int32) + 10, size)
    return tf.strings.substr(
        image_bytes, start, tf.maximum(tf.cast(length, tf.int32), 0)
    )


def _read_directory(tiff: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of a TIFF file, 1 if there is none."""
    head = read_bytes(tiff, 0, 8)
    little = tf.reduce_all(tf.equal(head[:4], list(b"II*\0")))
    big = tf.reduce_all(tf.equal(head[:4], list(b"MM\0*")))

    def number(numbers, places):
        in_order = read_number(numbers, places)
        return tf.where(little, read_number(numbers, places[::-1]), in_order)

    start = number(head, [4, 5, 6, 7])
    count = number(read_bytes(tiff, start, 2), [0, 1])
    entries = read_bytes(tiff, start + 2, _ENTRY * _MAX_ENTRIES)
    entries = tf.reshape(entries, [_MAX_ENTRIES, _ENTRY])
    kind = number(entries, [2, 3])
    value = tf.where(
        tf.equal(kind, _SHORT),
        number(entries, [8, 9]),
        tf.where(tf.equal(kind, _LONG), number(entries, [8, 9, 10, 11]), 0),
    )
    found = tf.equal(number(entries, [0, 1]), _ORIENTATION_TAG)
    found = tf.logical_and(found, tf.range(_MAX_ENTRIES, dtype=tf.int64) < count)
    value = tf.reduce_max(tf.where(found, value, 0))
    valid = tf.logical_and(tf.logical_or(little, big), (value >= 1) & (value <= 8))
    return tf.cast(tf.where(valid, value, 1), tf.int32)
