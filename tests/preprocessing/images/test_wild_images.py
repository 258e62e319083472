"""Files of other programs decode as in Pillow, and equally in every place."""

import io
import pathlib
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from mmkeras.preprocessing import ImageConverter, decode_image, image_error

FOLDER = pathlib.Path(__file__).parents[2] / "fixtures" / "images"
SIDE = 8
REFUSED = {
    "animated.webp": "animated WebP image: extract a frame",
    "bitmap.bmp": "BMP image: convert it to JPEG or PNG, e.g. with `magick in.bmp ",
    "picture.tif": "TIFF image: convert it to JPEG or PNG, e.g. with `magick in.tif ",
    "picture.heic": "HEIC image: convert it to JPEG or PNG, e.g. with",
    "picture.avif": "AVIF image: convert it to JPEG or PNG, e.g. with",
    "drawing.svg": "SVG image: convert it to JPEG or PNG, e.g. with `magick in.svg ",
    "page_saved_as.jpg": "HTML page, not an image",
    "empty.jpg": "empty image",
}
GOOD = sorted(
    path.name
    for path in FOLDER.iterdir()
    if path.suffix != ".md" and path.name not in REFUSED
)
ORIENTED = [f"orientation_{number}.jpg" for number in range(1, 9)]


def read(name):
    return (FOLDER / name).read_bytes()


def by_pillow(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I"):
        return np.repeat(np.round(np.asarray(image) / 257.0)[..., None], 3, axis=2)
    if image.mode == "CMYK":
        return np.asarray(image.convert("RGB"))
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))


@pytest.fixture(scope="module")
def decode():
    return tf.function(
        decode_image,
        input_signature=[tf.TensorSpec([], tf.string)],
        autograph=False,
    )


@pytest.fixture(scope="module")
def converter():
    return ImageConverter(SIDE, max_pixels=1_000_000)


@pytest.mark.parametrize("name", GOOD)
def test_pixels_equal_pillow(name, decode):
    data = read(name)
    image = decode(data).numpy().astype(int)
    expected = by_pillow(data)
    assert image.shape == expected.shape
    assert np.abs(image - expected).max() <= 1
    assert image_error(data).numpy() == b""


@pytest.mark.parametrize("name", ORIENTED)
def test_orientations_are_rotated_upright(name, decode):
    image = decode(read(name)).numpy().astype(int)
    # The drawing: green at the top left, yellow at the top right, and below these
    # blue and white.
    assert image.shape == (32, 48, 3)
    for place, colour in {
        (4, 7): (32, 224, 64),
        (2, 44): (240, 240, 16),
        (22, 36): (255, 255, 255),
    }.items():
        assert np.abs(image[place] - colour).max() < 24
    assert image[30, 4, 2] > 200


def test_eager_dataset_and_batch_are_equal(decode, converter):
    data = [read(name) for name in GOOD]
    eager = [decode_image(item).numpy() for item in data]
    dataset = tf.data.Dataset.from_tensor_slices(data)
    mapped = [image.numpy() for image in dataset.map(decode)]
    for name, one, other in zip(GOOD, eager, mapped, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    images, error = converter.convert(tf.constant(data))
    assert not any(error.numpy())
    fit = tf.concat(list(dataset.batch(5).map(converter)), axis=0)
    np.testing.assert_array_equal(images, fit)
    pixels = [converter(image[None])[0] for image in eager]
    np.testing.assert_array_equal(images, tf.stack(pixels))


def test_errors_are_equal_everywhere(converter, tmp_path):
    data = [read(name) for name in REFUSED]
    images, error = converter.convert(tf.constant(data))
    assert not images.numpy().any()
    for item, found, start in zip(data, error.numpy(), REFUSED.values(), strict=True):
        assert found.decode().startswith(start)
        assert image_error(item).numpy() == found
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            decode_image(item)
        assert str(caught.value) == found.decode()


def test_saved_model_is_equal(converter, tmp_path):
    module = tf.Module()
    module.serve = tf.function(
        lambda image_bytes: dict(
            zip(("images", "error"), converter.convert(image_bytes), strict=True)
        ),
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")],
        autograph=False,
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    data = [read(name) for name in (*GOOD, *REFUSED)]
    images, error = converter.convert(tf.constant(data))
    loaded = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    found = loaded(image_bytes=tf.constant(data))
    np.testing.assert_array_equal(found["images"], images)
    np.testing.assert_array_equal(found["error"], error)
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path))
        signature = graph.signature_def["serving_default"]
        served = session.run(
            [signature.outputs[key].name for key in ("images", "error")],
            {signature.inputs["image_bytes"].name: data},
        )
    np.testing.assert_array_equal(served[0], images)
    np.testing.assert_array_equal(served[1], error)


TRUNCATED = ["baseline_420.jpg", "progressive.jpg", "phone.jpg", "rgb.png"]
TRUNCATED += ["interlaced.png", "still.gif", "lossy.webp", "lossless.webp"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_files_are_refused(share, converter):
    data = [read(name) for name in TRUNCATED]
    cut = [item[: int(share * len(item))] for item in data]
    error = converter.convert(tf.constant(cut))[1].numpy()
    kinds = ["JPEG"] * 3 + ["PNG"] * 2 + ["GIF"] + ["WebP"] * 2
    assert [item.decode() for item in error] == [
        f"corrupt or truncated {kind} data" for kind in kinds
    ]


def claiming(name, width, height):
    """A small file whose header states another size."""
    data = bytearray(read(name))
    if name.endswith(".png"):
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif name.endswith(".jpg"):
        # FFC0 or FFC2, length (2), precision (1), height (2), width (2)
        place = max(data.find(b"\xff\xc0\0\x11"), data.find(b"\xff\xc2\0\x11"))
        data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    elif name.endswith(".gif"):
        data[6:10] = struct.pack("<HH", width, height)
    elif data[12:16] == b"VP8 ":
        data[26:30] = struct.pack("<HH", width, height)
    elif data[12:16] == b"VP8L":
        data[21:25] = struct.pack("<I", width - 1 | (height - 1) << 14)
    else:
        data[24:27] = struct.pack("<I", width - 1)[:3]
        data[27:30] = struct.pack("<I", height - 1)[:3]
    return bytes(data)


BOMBS = ["rgb.png", "progressive.jpg", "still.gif", "lossy.webp", "lossless.webp"]
BOMBS += ["lossy_alpha.webp"]


def test_decompression_bombs_are_refused_by_the_header(converter):
    # 16,000 * 15,000 pixels would take 720 MB.
    data = [claiming(name, 16_000, 15_000) for name in BOMBS]
    error = converter.convert(tf.constant(data))[1].numpy()
    assert all(item.startswith(b"image has more than 1000000 pixels") for item in error)


def test_pixel_limit_is_inclusive_for_every_format():
    for name in BOMBS:
        data = read(name)
        # 48 * 32 = 1,536
        assert image_error(data, 1_536).numpy() == b"", name
        assert b"more than 1535 pixels" in image_error(data, 1_535).numpy(), name


def test_sides_of_zero(converter):
    names = ["rgb.png", "progressive.jpg", "lossy.webp"]
    data = [claiming(name, 0, 32) for name in names]
    error = converter.convert(tf.constant(data))[1].numpy()
    assert [item.split()[3] for item in error] == [b"PNG", b"JPEG", b"WebP"]


def with_exif(payload, name="baseline_420.jpg"):
    data = read(name)
    exif = b"Exif\0\0" + payload
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return data[:2] + segment + data[2:]


def tiff(order, entries, offset=8, count=None):
    head = b"II*\0" if order == "<" else b"MM\0*"
    count = len(entries) if count is None else count
    rows = b"".join(struct.pack(f"{order}HHIHH", *entry, 0) for entry in entries)
    return head + struct.pack(f"{order}IH", offset, count) + rows


@pytest.mark.parametrize("order", "<>")
def test_exif_written_by_hand(order, decode):
    # tag, type (3 is SHORT), count, value
    payload = tiff(order, [(0x010E, 2, 1, 65), (0x0112, 3, 1, 6)])
    image = decode(with_exif(payload))
    upright = decode(read("baseline_420.jpg"))
    # 6: the first row of the file is the right side of the scene.
    np.testing.assert_array_equal(image, np.rot90(upright, -1))


BROKEN_EXIF = {
    "no directory": b"",
    "no byte order": b"XX*\0" + bytes(20),
    "a directory beyond the end": tiff("<", [(0x0112, 3, 1, 6)], offset=60_000),
    "a huge offset": tiff(">", [(0x0112, 3, 1, 6)], offset=0xFFFFFFFF),
    "more entries than exist": tiff(">", [(0x0112, 3, 1, 9)], count=65_535),
    "an orientation of 0": tiff("<", [(0x0112, 3, 1, 0)]),
    "text for an orientation": tiff("<", [(0x0112, 2, 1, 6)]),
    "no entry": tiff("<", []),
}


@pytest.mark.parametrize("payload", BROKEN_EXIF.values(), ids=BROKEN_EXIF)
def test_broken_exif_is_ignored(payload, decode):
    image = decode(with_exif(payload))
    np.testing.assert_array_equal(image, decode(read("baseline_420.jpg")))


def test_gif_frame_smaller_than_the_image(decode):
    data = bytearray(read("still.gif"))
    data[6:10] = struct.pack("<HH", 50, 36)
    place = data.index(b"\x2c\0\0\0\0\x30\0\x20\0")
    data[place + 1 : place + 5] = struct.pack("<HH", 2, 1)
    image = decode(bytes(data)).numpy()
    # The frame of 48 x 32 is 2 from the left and 1 from the top of 50 x 36.
    assert image.shape == (36, 50, 3)
    np.testing.assert_array_equal(image[1:33, 2:], decode(read("still.gif")))
    assert image[0].min() == image[33:].min() == image[:, :2].min() == 255
