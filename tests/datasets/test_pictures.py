import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from datasets.annotations import examine_picture
from datasets.conversion import jpeg_bytes
from datasets.pictures import PictureError, read_picture, save_picture
from tests.datasets.one_of_everything import draw, png_bomb
from tests.datasets.test_splits import TABLES


def _save(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def _decode(data: bytes) -> np.ndarray:
    """As the training does."""
    return tf.io.decode_jpeg(data, channels=3).numpy()


@pytest.mark.parametrize(("name", "modes"), TABLES["modes"])
def test_every_accepted_kind_becomes_the_same_rgb(tmp_path, name, modes):
    image = draw(0)
    for mode in modes:
        expected = np.asarray(image.convert("L").convert("RGB") if mode == "L" else image).astype(int)
        stored = image.quantize() if mode == "P" else image.convert(mode)
        path = _save(tmp_path / name, stored, **({"quality": 95} if ".j" in name.lower() else {}))
        facts = examine_picture(path)
        assert (facts.size, facts.orientation) == ((96, 64), 1)
        assert facts.plain_jpeg == (".j" in name.lower() and mode in ("RGB", "L"))
        for pixels in (read_picture(path), _decode(jpeg_bytes(path, keep=facts.plain_jpeg, turn=False))):
            assert pixels.shape == (64, 96, 3)
            assert pixels.dtype == np.uint8
            # Away from the edge between the colours, where a lossy format mixes them.
            for row in (slice(10, 26), slice(40, 62)):
                assert np.abs(pixels[row].astype(int) - expected[row]).max() <= 6, mode


def test_transparent_pixels_are_white_and_sixteen_bits_are_scaled(tmp_path):
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    for image, options, row in (
        (np.array([[[255, 0, 0, 255], [0, 0, 0, 0]]], np.uint8), {}, [[255, 0, 0], [255, 255, 255]]),
        (np.array([[[0, 255], [0, 128]]], np.uint8), {}, [[0, 0, 0], [127, 127, 127]]),
        (palette, {"transparency": 1}, [[10, 20, 30], [255, 255, 255]]),
        (np.array([[[1, 2, 3]]], np.uint8), {"transparency": (1, 2, 3)}, [[255, 255, 255]]),
        (np.array([[0, 257, 32768, 65535]], np.uint16), {}, [[0] * 3, [1] * 3, [128] * 3, [255] * 3]),
    ):
        stored = image if isinstance(image, Image.Image) else Image.fromarray(image)
        assert read_picture(_save(tmp_path / "a.png", stored, **options))[0].tolist() == row


def test_every_cut_is_noticed(tmp_path, rng):
    noise = Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8))
    for name in ("a.jpg", "a.png", "a.bmp", "a.webp"):
        data = _save(tmp_path / name, noise).read_bytes()
        last = len(data) - 21  # the last 20 bytes of a PNG are check sums and an end mark
        for length in [0, 1, 4, 30, *range(100, last, len(data) // 13), last]:
            path = tmp_path / name
            path.write_bytes(data[:length])
            with pytest.raises(PictureError, match=r"cut short|cannot be decoded|not a picture|is empty"):
                examine_picture(path)


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_what_is_accepted_the_training_can_decode(tmp_path, rng, kind):
    """A byte changed anywhere is either noticed, or the decoder of the training does not mind it either."""
    data = bytearray(_save(tmp_path / f"a.{kind}", draw(3)).read_bytes())
    noticed = 0
    for _ in range(150):
        damaged = bytearray(data)
        for place in rng.integers(2, len(data), 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "b.jpg").write_bytes(damaged)
        try:
            facts = examine_picture(tmp_path / "b.jpg", max_pixels=10**6)
        except PictureError:
            noticed += 1
            continue
        pixels = _decode(jpeg_bytes(tmp_path / "b.jpg", keep=facts.plain_jpeg, turn=False))
        assert pixels.shape == (*facts.size[::-1], 3)
    assert noticed


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + zlib.crc32(kind + data).to_bytes(4, "big")


@pytest.mark.parametrize(
    "chunk",
    [
        _chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(1_500_000))),
        _chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(bytes(3_000_000))) * 40,
        _chunk(b"tEXt", b"workflow\0" + bytes(70_000_000)),
        _chunk(b"zTXt", b"a\0check sum")[:-1] + b"?",
        _chunk(b"iCCP", b"profile\0\7unknown"),
    ],
    ids=lambda chunk: f"{chunk[4:8]}{len(chunk)}",
)
def test_what_stands_beside_the_pixels_of_a_png_does_no_harm(tmp_path, chunk):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = _save(tmp_path / "a.png", draw(0), exif=exif)
    data, pixels = path.read_bytes(), read_picture(path)
    for place in (33, -12):  # before and after the pixels
        path.write_bytes(data[:place] + chunk + data[place:])
        np.testing.assert_array_equal(read_picture(path), pixels)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "picture is empty: 0 bytes"),
        (b"<html>404 Not Found</html>", "not a picture: starts with b'<html>40'"),
        (b"GIF89a\1\0\1\0\0\0\0;", "not a picture.* not JPEG, PNG, BMP or WebP: save it as one of these"),
        (png_bomb(30_000, 30_000), "too many pixels: 30000 x 30000 = 900000000, at most 50000000"),
        (png_bomb(65_501, 1), "picture is too long: 65501 x 1, at most 65500"),
        (b"\xff\xd8\xff\xe0" + b"x" * 50, "picture cannot be decoded|not a picture|cut short"),
    ],
)
def test_says_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=message):
        examine_picture(path)


def test_limits(tmp_path):
    path = _save(tmp_path / "a.png", draw(0))
    assert examine_picture(path, max_pixels=96 * 64).size == (96, 64)
    with pytest.raises(PictureError, match=r"96 x 64 = 6144, at most 6143 \(--max_pixels\)") as error:
        examine_picture(path, max_pixels=96 * 64 - 1)
    assert error.value.action == "refused"
    path.write_bytes(b"x" * 1_000_900)
    with pytest.raises(PictureError, match="picture file too large: 1000900 bytes, at most 1000800"):
        examine_picture(path, max_pixels=100)
    with pytest.raises(PictureError, match=r"picture format is not read: \.tif$") as error:
        examine_picture(tmp_path / "a.TIF")
    assert error.value.action == "left out: save it as PNG or JPEG"
    with pytest.raises(PictureError, match="picture cannot be read: No such file"):
        examine_picture(tmp_path / "b.png")


def test_a_limit_above_pillows_own_is_ours_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    path = _save(tmp_path / "a.png", draw(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(path).shape == (64, 96, 3)
    assert Image.MAX_IMAGE_PIXELS == 1000


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _save(tmp_path / "a.jpg", draw(5), exif=exif, quality=95)
    facts = examine_picture(path)
    assert (facts.orientation, facts.size) == (orientation, (96, 64))
    assert facts.turned_size == ((96, 64) if orientation < 5 else (64, 96))
    stored = np.asarray(Image.open(path))
    # TIFF 6.0, tag 274: where the first row and the first column of the stored picture are to be shown.
    rows, columns = (-1 if orientation in those else 1 for those in ((3, 4, 7, 8), (2, 3, 6, 7)))
    upright = (stored.transpose(1, 0, 2) if orientation > 4 else stored)[::rows, ::columns]
    np.testing.assert_array_equal(read_picture(path, turn=False), stored)
    np.testing.assert_array_equal(read_picture(path), upright)
    turned = jpeg_bytes(path, keep=False, turn=True)
    assert _decode(turned).shape == upright.shape
    assert Image.open(io.BytesIO(turned)).getexif().get(0x0112) is None  # nobody turns it a second time


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_means_upright(tmp_path):
    path = _save(tmp_path / "a.jpg", draw(0), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\1\x12")
    assert examine_picture(path).orientation == 1
    exif = Image.Exif()
    exif[0x0112] = 77
    assert examine_picture(_save(tmp_path / "b.jpg", draw(0), exif=exif)).orientation == 1


def test_of_an_animation_the_first_picture_is_read(tmp_path):
    path = _save(tmp_path / "a.webp", draw(1), save_all=True, append_images=[draw(2), draw(3)])
    assert np.abs(read_picture(path).astype(int) - np.asarray(draw(1))).mean() < 8


@pytest.mark.parametrize("name", ["a.png", "b.jpg", "千/反.webp"])
def test_save_picture(tmp_path, name):
    image = np.asarray(draw(5))
    save_picture(tmp_path / name, image)
    assert np.abs(read_picture(tmp_path / name).astype(int) - image).mean() < 4
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [name.rpartition("/")[2]]


def test_a_picture_of_no_format_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"no picture format has the suffix '\.xyz'; use \.jpg or \.png"):
        save_picture(tmp_path / "a.xyz", np.zeros((5, 5, 3), np.uint8))
    assert not list(tmp_path.iterdir())
