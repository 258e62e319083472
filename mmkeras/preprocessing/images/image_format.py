from __future__ import annotations

import numpy as np
import tensorflow as tf

_HEAD = 32

# Name and signature of each format: parts of (offset, bytes), with a mask if not all
# bits matter. Decoded formats come first, in the order of the decoders; the first
# match counts.
_LETTERS = b"\xdf"
_SIGNATURES = (
    ("JPEG", (0, b"\xff\xd8\xff")),
    ("PNG", (0, b"\x89PNG\r\n\x1a\n")),
    ("GIF", (0, b"GIF87a")),
    ("GIF", (0, b"GIF89a")),
    # A flag of the extended header. TensorFlow 2.21 writes out of bounds when it
    # decodes an animation as RGB, so animations must not reach the decoder.
    ("animated WebP", (0, b"RIFF"), (8, b"WEBPVP8X"), (20, b"\x02", b"\x02")),
    ("WebP", (0, b"RIFF"), (8, b"WEBP")),
    ("BMP", (0, b"BM")),
    ("TIFF", (0, b"II*\0")),
    ("TIFF", (0, b"MM\0*")),
    ("TIFF", (0, b"II+\0")),
    ("TIFF", (0, b"MM\0+")),
    ("AVIF", (4, b"ftypavif")),
    ("AVIF", (4, b"ftypavis")),
    *(
        ("HEIC", (4, b"ftyp" + brand))
        for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm")
    ),
    ("HEIC", (4, b"ftyphevs")),
    ("HEIC", (4, b"ftypmif1")),
    ("HEIC", (4, b"ftypmsf1")),
    ("JPEG XL", (0, b"\xff\x0a")),
    ("JPEG XL", (0, b"\0\0\0\x0cJXL ")),
    ("JPEG 2000", (0, b"\0\0\0\x0cjP  ")),
    ("JPEG 2000", (0, b"\xff\x4f\xff\x51")),
    ("ICO", (0, b"\0\0\1\0")),
    ("PSD", (0, b"8BPS\0\1")),
    ("PDF", (0, b"%PDF")),
    ("SVG", (0, b"<svg")),
    ("SVG", (0, b"<?xml")),
    (
        "HTML",
        (0, b"<!DOCTYPE HTML", b"\xff\xff" + 7 * _LETTERS + b"\xff" + 4 * _LETTERS),
    ),
    ("HTML", (0, b"<HTML", b"\xff" + 4 * _LETTERS)),
)

DECODED_FORMATS = ("JPEG", "PNG", "GIF", "WebP")
IMAGE_FORMATS = (
    *DECODED_FORMATS,
    *dict.fromkeys(name for name, *_ in _SIGNATURES if name not in DECODED_FORMATS),
    "unknown",
    "empty",
)


def image_format(image_bytes: tf.Tensor) -> tf.Tensor:
    """Detects the format of image files from their first bytes.

    Args:
        image_bytes: string tensor of any shape.

    Returns:
        int32 tensor of the same shape, indices into `IMAGE_FORMATS`. The first ones,
        `DECODED_FORMATS`, are the formats that `decode_image` supports.
    """
    head = tf.strings.substr(image_bytes, 0, _HEAD)
    head = tf.io.decode_raw(head, tf.uint8, fixed_length=_HEAD)
    values, masks, codes = _table()
    matches = tf.equal(tf.bitwise.bitwise_and(tf.expand_dims(head, -2), masks), values)
    first = tf.argmax(tf.reduce_all(matches, axis=-1), axis=-1)
    code = tf.gather(tf.constant(codes), first)
    empty = tf.equal(tf.strings.length(image_bytes), 0)
    return tf.where(empty, IMAGE_FORMATS.index("empty"), code)


def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and masks `[signatures, head]`, and formats; the last matches all."""
    values = np.zeros([len(_SIGNATURES) + 1, _HEAD], np.uint8)
    masks = np.zeros_like(values)
    codes = np.full(len(values), IMAGE_FORMATS.index("unknown"), np.int32)
    for row, (name, *parts) in enumerate(_SIGNATURES):
        codes[row] = IMAGE_FORMATS.index(name)
        for offset, signature, *mask in parts:
            where = slice(offset, offset + len(signature))
            masks[row, where] = list(mask[0]) if mask else 255
            values[row, where] = masks[row, where] & list(signature)
    return values, masks, codes
