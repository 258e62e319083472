from __future__ import annotations

import io
import os
import pathlib
import warnings

import numpy as np

# The formats that mmkeras decodes everywhere; Pillow reads more.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_MAX_PIXELS = 100_000_000


def read_image(
    image: str | os.PathLike | bytes | np.ndarray,
    height: int,
    width: int,
    crop: bool = False,
) -> np.ndarray:
    """Reads an image at the size of a model, with Pillow.

    JPEG images are rotated by their EXIF orientation, transparent images are composited
    over white, and of an animated GIF the first frame is read, as by
    `mmkeras.preprocessing.ImageConverter`. The image is resized with antialiased
    bilinear interpolation.

    Args:
        image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
        height: int, height of the output in pixels.
        width: int, width of the output in pixels.
        crop: bool, whether to crop the largest central window with the aspect ratio
            `width : height` before resizing.

    Returns:
        uint8 `[1, height, width, 3]`.

    Raises:
        FileNotFoundError: if the image file does not exist.
        ValueError: if the image cannot be read, or is too large.
    """
    loaded = _load(image)
    if crop:
        loaded = loaded.crop(_window(*loaded.size, height, width))
    if loaded.size != (width, height):
        from PIL import Image

        loaded = loaded.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(loaded)[None]


def _load(image):
    from PIL import Image

    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError(
                "An image array must be uint8 [height, width, 3] in RGB. Received an "
                f"array of dtype {image.dtype} and shape {image.shape}."
            )
        return Image.fromarray(image)
    name = "the image"
    if isinstance(image, (str, os.PathLike)):
        name = os.fspath(image)
        if not pathlib.Path(image).is_file():
            raise FileNotFoundError(f"Image file {name} does not exist.")
        image = pathlib.Path(image).read_bytes()
    try:
        return _decode(image)
    except Image.UnidentifiedImageError as error:
        raise ValueError(
            f"Cannot read {name}: it is empty, or not JPEG, PNG, GIF or WebP. Remove "
            "it or convert it."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"Cannot read {name}: more than {_MAX_PIXELS:,} pixels. Remove it or make "
            "it smaller."
        ) from error
    # Pillow's decoders raise different errors for corrupt files.
    except (OSError, SyntaxError, EOFError, TypeError, ValueError) as error:
        raise ValueError(
            f"Cannot read {name}: {error}. Remove it or convert it to JPEG or PNG."
        ) from error


def _decode(data: bytes):
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        # Pillow warns at a limit of its own, which is not used here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    width, height = image.size
    if width * height > _MAX_PIXELS:
        raise ValueError(f"{width} × {height} pixels are more than {_MAX_PIXELS:,}")
    if image.format == "WEBP" and getattr(image, "is_animated", False):
        raise ValueError("animated WebP is not supported")
    if image.format == "JPEG":
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return _from_16_bits(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _from_16_bits(image):
    from PIL import Image

    # Pillow would clip them to 255. 65535 / 257 = 255 exactly.
    levels = np.round(np.asarray(image, np.float32) / 257).astype(np.uint8)
    return Image.fromarray(levels).convert("RGB")


def _window(image_width, image_height, height, width) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the window, exact in integers."""
    crop_width = min(image_width, max(image_height * width // height, 1))
    crop_height = min(image_height, max(image_width * height // width, 1))
    left, top = (image_width - crop_width) // 2, (image_height - crop_height) // 2
    return left, top, left + crop_width, top + crop_height
