from __future__ import annotations

import dataclasses

import tensorflow as tf

from mmkeras.preprocessing.images.read_bytes import read_bytes, read_number

_HEADER = 13
_EXTENSION, _FRAME, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_FULL_BLOCK = 256
_BLOCKS_AT_ONCE = 64


@dataclasses.dataclass(frozen=True)
class GifFrame:
    """Position and colours of the first frame of a GIF file.

    Args:
        found: bool scalar, whether the file has a frame with a table of colours.
        canvas: int64 `[2]`, height and width of the image, which contains the frame.
        box: int64 `[4]`, top, left, height and width of the frame.
        interlaced: bool scalar.
        colours: int64 `[768]`, the table, padded with zeros to 256 colours.
        transparent: int64 scalar, index of the transparent colour, or -1.
        start: int64 scalar, offset of the compressed pixels.
    """

    found: tf.Tensor
    canvas: tf.Tensor
    box: tf.Tensor
    interlaced: tf.Tensor
    colours: tf.Tensor
    transparent: tf.Tensor
    start: tf.Tensor

    @classmethod
    def read(cls, image_bytes: tf.Tensor) -> GifFrame:
        """Reads the headers of a GIF file, but no pixels.

        Args:
            image_bytes: string scalar, a GIF file.

        Returns:
            A `GifFrame`.

        Reference:
            - GIF89a specification (CompuServe, 1990), 18 to 23
        """
        screen = read_bytes(image_bytes, 0, _HEADER)
        place = _HEADER + _table_bytes(screen[10])
        place, transparent = _skip_extensions(image_bytes, place)
        frame = read_bytes(image_bytes, place, 10)
        left, top, width, height = (
            read_number(frame, [low + 1, low]) for low in (1, 3, 5, 7)
        )
        local_table = _table_bytes(frame[9])
        table = tf.where(local_table > 0, local_table, _table_bytes(screen[10]))
        table_start = tf.where(local_table > 0, place + 10, _HEADER)
        colours = read_bytes(image_bytes, table_start, 768)
        colours = tf.where(tf.range(768, dtype=tf.int64) < table, colours, 0)
        bottom = tf.maximum(read_number(screen, [9, 8]), top + height)
        right = tf.maximum(read_number(screen, [7, 6]), left + width)
        return cls(
            found=tf.equal(frame[0], _FRAME) & (height * width > 0) & (table > 0),
            canvas=tf.stack([bottom, right]),
            box=tf.stack([top, left, height, width]),
            interlaced=tf.equal(frame[9] & 0x40, 0x40),
            colours=colours,
            transparent=transparent,
            start=place + 10 + local_table,
        )


def skip_blocks(image_bytes: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Skips a sequence of data blocks up to the empty block that ends it.

    Args:
        image_bytes: string scalar, a GIF file.
        place: int64 scalar, offset of the first block, which starts with its length.

    Returns:
        int64 scalar, the offset after the empty block, or beyond the end of the file.
    """
    reach = _BLOCKS_AT_ONCE * _FULL_BLOCK

    def proceed(place, length):
        return length > 0

    def skip(place, length):
        # Most writers fill all blocks but the last, so runs of full blocks are
        # skipped at once.
        lengths = read_bytes(image_bytes, place, reach)[::_FULL_BLOCK]
        full = tf.math.cumprod(tf.cast(tf.equal(lengths, _FULL_BLOCK - 1), tf.int64))
        number = tf.minimum(tf.reduce_sum(full), _BLOCKS_AT_ONCE - 1)
        place += _FULL_BLOCK * number
        length = lengths[number]
        return place + 1 + length, length

    place, _ = tf.while_loop(proceed, skip, [place, tf.ones([], tf.int64)])
    return place


def _table_bytes(flags: tf.Tensor) -> tf.Tensor:
    size = 3 * tf.bitwise.left_shift(tf.ones([], tf.int64), (flags & 7) + 1)
    return tf.where(tf.equal(flags & 0x80, 0x80), size, 0)


def _skip_extensions(image_bytes, place):
    """Returns the offset of the frame, and the transparent colour declared before."""

    def proceed(place, head, transparent):
        return tf.equal(head[0], _EXTENSION)

    def skip(place, head, transparent):
        declared = tf.where(tf.equal(head[3] & 1, 1), head[6], -1)
        is_control = tf.equal(head[1], _GRAPHIC_CONTROL)
        transparent = tf.where(is_control, declared, transparent)
        place = skip_blocks(image_bytes, place + 2)
        return place, read_bytes(image_bytes, place, 8), transparent

    none = -tf.ones([], tf.int64)
    head = read_bytes(image_bytes, place, 8)
    place, _, transparent = tf.while_loop(proceed, skip, [place, head, none])
    return place, transparent
