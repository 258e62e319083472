"""What is said of bytes that are no picture or not one that is decoded."""

import tensorflow as tf

from mmkeras.preprocessing.images.image_format import (
    DECODED_FORMATS,
    IMAGE_FORMATS,
    image_format,
)

_ENDINGS = {
    "BMP": "bmp",
    "TIFF": "tif",
    "AVIF": "avif",
    "HEIC": "heic",
    "JPEG XL": "jxl",
    "JPEG 2000": "jp2",
    "ICO": "ico",
    "PSD": "psd",
    "SVG": "svg",
}
_OTHERS = {
    "empty": "empty image",
    "unknown": "unknown image format: convert the picture to JPEG or PNG",
    "animated WebP": "animated WebP picture: take one frame of it as PNG, e.g. with "
    "`magick 'in.webp[0]' out.png`",
    "PDF": "PDF document: convert its page to JPEG or PNG, e.g. with "
    "`magick 'in.pdf[0]' out.jpg`",
    "HTML": "HTML page, not a picture: download the picture itself",
}


def undecodable_reason(image_bytes: tf.Tensor) -> tf.Tensor:
    """Why bytes that did not decode failed, as far as their first bytes tell.

    Args:
        image_bytes: `tf.string` of any shape.

    Returns:
        `tf.string` of the same shape, never empty. What is not decoded at all is
        named with the way to convert it.
    """
    reasons = tf.constant([_reason(name) for name in IMAGE_FORMATS])
    return tf.gather(reasons, image_format(image_bytes))


def corrupt_reason(format: str) -> str:
    """What is said of a broken file of a format that is decoded."""
    return f"corrupt or truncated {format} data"


def _reason(name: str) -> str:
    if name in DECODED_FORMATS:
        return corrupt_reason(name)
    if name in _OTHERS:
        return _OTHERS[name]
    return (
        f"{name} picture: convert it to JPEG or PNG, e.g. with "
        f"`magick in.{_ENDINGS[name]} out.jpg`"
    )
