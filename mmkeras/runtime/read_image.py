from __future__ import annotations

import io
import os
import pathlib
import warnings

import numpy as np

# Of the files in a folder that are taken for pictures.
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp")
# The formats that mmkeras decodes everywhere; Pillow reads more.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_MAX_PIXELS = 100_000_000


def read_image(image, height: int, width: int, crop: bool = False) -> np.ndarray:
    """A picture as a LiteRT file takes it.

    It is turned as its EXIF orientation says, what is transparent is put over white,
    of an animation the first frame is taken; then it is squashed to the size with
    antialiased bilinear interpolation.

    Args:
        image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
        height: int, in pixels.
        width: int, in pixels.
        crop: bool, whether to take the largest central window of the proportions
            `width : height` first, and squash nothing.

    Returns:
        uint8 `[1, height, width, 3]`.

    Raises:
        FileNotFoundError: if a path does not lead to a file.
        ValueError: if the picture cannot be read, or is too large.
    """
    picture = _opened(image)
    if crop:
        picture = picture.crop(_window(*picture.size, height, width))
    if picture.size != (width, height):
        from PIL import Image

        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture)[None]


def _opened(image):
    from PIL import Image

    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError(
                "An image array must be uint8 [height, width, 3] in RGB. Received "
                f"{image.dtype} {image.shape}."
            )
        return Image.fromarray(image)
    name = "the image"
    if isinstance(image, (str, os.PathLike)):
        name = os.fspath(image)
        if not pathlib.Path(image).is_file():
            raise FileNotFoundError(f"There is no image file {name}.")
        image = pathlib.Path(image).read_bytes()
    try:
        return _decoded(image)
    except Image.UnidentifiedImageError as error:
        raise ValueError(
            f"Cannot read {name}: it is empty, or not JPEG, PNG, GIF or WebP. Leave it "
            "out or convert it."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"Cannot read {name}: more than {_MAX_PIXELS:,} pixels. Leave it out or "
            "scale it down."
        ) from error
    # Pillow's decoders fail each in their own way on the same broken bytes.
    except (OSError, SyntaxError, EOFError, TypeError, ValueError) as error:
        raise ValueError(
            f"Cannot read {name}: {error}. Leave it out or convert it to JPEG or PNG."
        ) from error


def _decoded(data: bytes):
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        # Pillow's own limit warns of what ours lets pass or refuses.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
    wide, high = picture.size
    if wide * high > _MAX_PIXELS:
        raise ValueError(f"{wide} × {high} pixels are more than {_MAX_PIXELS:,}")
    if picture.format == "WEBP" and getattr(picture, "is_animated", False):
        raise ValueError("animated WebP is not read")
    if picture.format == "JPEG":
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):
        return _from_16_bits(picture)
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


def _from_16_bits(picture):
    from PIL import Image

    # Pillow would cut them off at 255. 65535 / 257 = 255 exactly.
    levels = np.round(np.asarray(picture, np.float32) / 257).astype(np.uint8)
    return Image.fromarray(levels).convert("RGB")


def _window(wide, high, height, width) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, exact in integers."""
    across = min(wide, max(high * width // height, 1))
    down = min(high, max(wide * height // width, 1))
    left, top = (wide - across) // 2, (high - down) // 2
    return left, top, left + across, top + down
