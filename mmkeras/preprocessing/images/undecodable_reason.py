from __future__ import annotations

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
    "unknown": "unknown image format: convert the image to JPEG or PNG",
    "animated WebP": "animated WebP image: extract a frame as PNG, e.g. with "
    "`magick 'in.webp[0]' out.png`",
    "PDF": "PDF document: convert its page to JPEG or PNG, e.g. with "
    "`magick 'in.pdf[0]' out.jpg`",
    "HTML": "HTML page, not an image: download the image itself",
}


def undecodable_reason(image_bytes: tf.Tensor) -> tf.Tensor:
    """Explains why bytes did not decode, judging by the first of them.

    Args:
        image_bytes: string tensor of any shape.

    Returns:
        string tensor of the same shape, never empty. For formats that are not
        supported it gives a way to convert them.
    """
    reasons = tf.constant([_reason(name) for name in IMAGE_FORMATS])
    return tf.gather(reasons, image_format(image_bytes))


def corrupt_reason(format: str) -> str:
    """The reason for a corrupt file of a supported format.

    Args:
        format: string, one of `DECODED_FORMATS`.

    Returns:
        string.
    """
    return f"corrupt or truncated {format} data"


def _reason(name: str) -> str:
    if name in DECODED_FORMATS:
        return corrupt_reason(name)
    if name in _OTHERS:
        return _OTHERS[name]
    return (
        f"{name} image: convert it to JPEG or PNG, e.g. with "
        f"`magick in.{_ENDINGS[name]} out.jpg`"
    )
