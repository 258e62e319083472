"""Where the first frame of a GIF file is, and what it is drawn with."""

import dataclasses

import tensorflow as tf

from mmkeras.preprocessing.images.read_bytes import read_bytes, read_number

_HEADER = 13
_EXTENSION, _FRAME, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_FULL_BLOCK = 256
_BLOCKS_AT_ONCE = 64


@dataclasses.dataclass(frozen=True)
class GifFrame:
    """The first frame of a GIF file.

    Args:
        found: Scalar bool, whether there is one, with a table of colours.
        canvas: `int64` `[height, width]` of the picture, the frame within it.
        box: `int64` `[top, left, height, width]` of the frame.
        interlaced: Scalar bool.
        colours: `int64` `[768]`, the table, zeros where it ends before 256 colours.
        transparent: Scalar `int64`, index of the transparent colour, or -1.
        start: Scalar `int64`, place of the compressed pixels.
    """

    found: tf.Tensor
    canvas: tf.Tensor
    box: tf.Tensor
    interlaced: tf.Tensor
    colours: tf.Tensor
    transparent: tf.Tensor
    start: tf.Tensor

    @classmethod
    def read(cls, image_bytes: tf.Tensor) -> "GifFrame":
        """Reads the headers of a GIF file, none of its pixels.

        Args:
            image_bytes: Scalar `tf.string`, a GIF file.

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
        own = _table_bytes(frame[9])
        table = tf.where(own > 0, own, _table_bytes(screen[10]))
        colours = read_bytes(image_bytes, tf.where(own > 0, place + 10, _HEADER), 768)
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
            start=place + 10 + own,
        )


def skip_blocks(image_bytes: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Skip a sequence of data blocks, each after its length, up to the empty one.

    Args:
        image_bytes: Scalar `tf.string`.
        place: Scalar `int64`, place of the first length.

    Returns:
        Scalar `int64`, the place after the empty block, or after the end.
    """
    reach = _BLOCKS_AT_ONCE * _FULL_BLOCK

    def goes_on(place, length):
        return length > 0

    def skip(place, length):
        # Most writers fill all blocks but the last, so a run of full ones is
        # stepped over at once.
        lengths = read_bytes(image_bytes, place, reach)[::_FULL_BLOCK]
        full = tf.math.cumprod(tf.cast(tf.equal(lengths, _FULL_BLOCK - 1), tf.int64))
        number = tf.minimum(tf.reduce_sum(full), _BLOCKS_AT_ONCE - 1)
        place += _FULL_BLOCK * number
        length = lengths[number]
        return place + 1 + length, length

    place, _ = tf.while_loop(goes_on, skip, [place, tf.ones([], tf.int64)])
    return place


def _table_bytes(flags: tf.Tensor) -> tf.Tensor:
    size = 3 * tf.bitwise.left_shift(tf.ones([], tf.int64), (flags & 7) + 1)
    return tf.where(tf.equal(flags & 0x80, 0x80), size, 0)


def _skip_extensions(image_bytes, place):
    """The place of the frame, and the transparent colour declared before it."""

    def goes_on(place, head, transparent):
        return tf.equal(head[0], _EXTENSION)

    def skip(place, head, transparent):
        declared = tf.where(tf.equal(head[3] & 1, 1), head[6], -1)
        is_control = tf.equal(head[1], _GRAPHIC_CONTROL)
        transparent = tf.where(is_control, declared, transparent)
        place = skip_blocks(image_bytes, place + 2)
        return place, read_bytes(image_bytes, place, 8), transparent

    none = -tf.ones([], tf.int64)
    head = read_bytes(image_bytes, place, 8)
    place, _, transparent = tf.while_loop(goes_on, skip, [place, head, none])
    return place, transparent
