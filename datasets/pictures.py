"""Picture files: which are accepted, what is wrong with a bad one, their pixels as RGB, going through many.

Pillow decodes here, because it says when a picture is cut short (older OpenCV fills the rest with grey) and
because it reads EXIF, CMYK, palettes and 16 bits. It releases the interpreter lock while it works, so plain
threads decode in parallel (measured: benchmarks/conversion.py).
"""

import hashlib
import io
import itertools
import threading
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from datasets.problems import UnusableFile, bytes_of
from files.threads import map_in_threads
from files.writing import why, write_bytes

_TABLE = tomllib.loads(Path(__file__).with_name("suffixes.toml").read_text(encoding="utf-8"))
ACCEPTED_SUFFIXES, OTHER_SUFFIXES, VIDEO_SUFFIXES = map(frozenset, _TABLE.values())
SUFFIXES = ACCEPTED_SUFFIXES | OTHER_SUFFIXES

# Pillow's readers behind ACCEPTED_SUFFIXES; the content decides, not the suffix. Nothing else is tried: some
# of its other readers start programs. JPEG's gives an MPO where a camera appended a second picture.
_FORMATS = tuple(str(one.format) for one in (JpegImageFile, PngImageFile, BmpImageFile, WebPImageFile))

MAX_PIXELS = 50_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_SIDE = 65_500  # libjpeg, JPEG_MAX_DIMENSION

# With full colour resolution the thin coloured lines of drawings survive.
_JPEG = {"quality": 95, "subsampling": "4:4:4"}

Item = TypeVar("Item")
Found = TypeVar("Found")


class PictureError(UnusableFile):
    """A picture that cannot be used."""


@dataclass(frozen=True)
class PictureFacts:
    """What a completely decoded picture file holds."""

    size: tuple[int, int]  # (width, height) in pixels as stored, before any EXIF orientation
    orientation: int  # EXIF orientation, 1 (upright) to 8
    plain_jpeg: bool  # a JPEG with 8-bit RGB or grey: its bytes can go into a record as they are
    frames: int  # more than 1 for an animation, of which the first picture counts
    digest: bytes  # of the file's bytes; equal for identical files

    @property
    def turned_size(self) -> tuple[int, int]:
        """(width, height) after the EXIF orientation is applied."""
        width, height = self.size
        return (height, width) if self.orientation >= 5 else (width, height)


def examine_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> PictureFacts:
    """Decodes a picture completely and says what it is.

    Raises:
        PictureError: cannot be read, cut short, not a picture, or more pixels than `max_pixels`.
    """
    data = read_picture_file(path, max_pixels=max_pixels)
    image = _decode(data, max_pixels)
    return PictureFacts(
        size=image.size,
        orientation=_orientation(image),
        plain_jpeg=image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"),
        # An MPO's further frames are other views for 3-D screens, not an animation.
        frames=1 if image.format == "MPO" else getattr(image, "n_frames", 1),
        digest=hashlib.blake2b(data, digest_size=16).digest(),
    )


def read_picture(path: Path, *, turn: bool = True, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Any accepted picture as uint8 [H, W, 3] RGB; transparency is laid over white, 16 bits are scaled to 8.

    With `turn` its EXIF orientation is applied, as every viewer does. PictureError as `examine_picture`.
    """
    return decode_picture(read_picture_file(path, max_pixels=max_pixels), turn=turn, max_pixels=max_pixels)


def decode_picture(data: bytes, *, turn: bool = True, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """`read_picture` for a file's bytes, wherever they came from."""
    return np.asarray(_rgb(_decode(data, max_pixels), turn))


def in_batches(
    items: Iterable[Item],
    read: Callable[[Item], np.ndarray],
    work: Callable[[list[np.ndarray]], Sequence[Found]],
    *,
    batch_size: int,
    unreadable: Callable[[Item, PictureError], None],
) -> Iterator[tuple[Item, np.ndarray, Found]]:
    """Gives each item with its picture and result, in order; the next pictures are read during the work.

    Args:
        items: what the pictures are of.
        read: gives an item's picture [H, W, 3]; called in threads.
        work: one result for each of up to `batch_size` pictures.
        unreadable: told of every item for which `read` raises this; it is left out.
    """

    def attempt(item: Item) -> tuple[Item, np.ndarray | PictureError]:
        try:
            return item, read(item)
        except PictureError as error:
            return item, error

    def readable() -> Iterator[tuple[Item, np.ndarray]]:
        for item, picture in map_in_threads(attempt, items):
            if isinstance(picture, PictureError):
                unreadable(item, picture)
            else:
                yield item, picture

    pictures = readable()
    while batch := list(itertools.islice(pictures, batch_size)):
        results = work([picture for _, picture in batch])
        yield from ((item, picture, one) for (item, picture), one in zip(batch, results, strict=True))


def encode_picture(image: np.ndarray, kind: str = "JPEG") -> bytes:
    """uint8 [H, W, 3] RGB as a file of high quality that holds nothing but the pixels."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **(_JPEG if kind == "JPEG" else {}))
    return buffer.getvalue()


def save_picture(path: Path, image: np.ndarray) -> None:
    """Writes uint8 [H, W, 3] RGB as a whole file (see `files.writing`) in the format of its suffix.

    Args:
        path: ends in .jpg, .png, .webp or whatever else Pillow writes.
        image: uint8 [H, W, 3] RGB.

    Raises:
        PictureError: it cannot be written, or no format has this suffix.
    """
    suffix = path.suffix.lower()
    kind = Image.registered_extensions().get(suffix)
    if kind is None:
        raise PictureError(f"{path}", f"no picture format has the suffix {suffix!r}; use .jpg or .png")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, encode_picture(image, kind))
    except (OSError, ValueError) as error:  # WebP ends at 16383 pixels, say
        said = why(error) if getattr(error, "filename", None) else f"{path}: {error}; PNG takes larger ones"
        raise PictureError("picture cannot be written", said) from error


def read_picture_file(path: Path, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """A picture file's bytes, not decoded.

    Raises:
        PictureError: cannot be read, empty, of a format that is not read, or larger than a picture of
            `max_pixels` can be.
    """
    if path.suffix.lower() in OTHER_SUFFIXES:
        cure = "left out: save it as PNG or JPEG"
        raise PictureError("picture format is not read", path.suffix.lower(), cure)
    # The largest honest file is uncompressed with 16 bits in four channels: 8 bytes a pixel.
    data = bytes_of(path, 8 * max_pixels + 1_000_000, "picture", PictureError)
    if not data:
        raise PictureError("picture is empty", "0 bytes")
    return data


# Pillow's own pixel limit is a global that warns or raises inside Image.open; ours is an argument. The lock
# covers only the reading of the header.
_OPENING = threading.Lock()


def _decode(data: bytes, max_pixels: int) -> Image.Image:
    try:
        with _OPENING:
            pillow_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                image = Image.open(io.BytesIO(data), formats=_FORMATS)
            finally:
                Image.MAX_IMAGE_PIXELS = pillow_limit
        pixels = image.width * image.height
        if pixels > max_pixels:
            detail = f"{image.width} x {image.height} = {pixels}, at most {max_pixels} (--max_pixels)"
            raise PictureError("picture has too many pixels", detail, "refused")
        if max(image.size) > _MAX_SIDE:
            detail = f"{image.width} x {image.height}, at most {_MAX_SIDE} (the limit of JPEG)"
            raise PictureError("picture is too long", detail, "refused")
        image.load()
    except PictureError:
        raise
    except Exception as error:  # hostile files raise anything: OSError, SyntaxError, struct.error ...
        if data.startswith(_PNG) and (bare := _bare_png(data)) != data:
            return _decode(bare, max_pixels)
        if isinstance(error, Image.UnidentifiedImageError):
            detail = f"starts with {data[:8]!r}, not JPEG, PNG, BMP or WebP: save it as one of these"
            raise PictureError("not a picture", detail) from None
        if "truncated" in str(error).lower():
            raise PictureError("picture is cut short", str(error)) from None
        raise PictureError("picture cannot be decoded", f"{type(error).__name__}: {error}") from None
    return image


def _bare_png(data: bytes) -> bytes:
    """A PNG with nothing but its pixels and EXIF.

    Pillow refuses pictures with long texts or colour profiles, which expand to any size, or damaged ones.
    """
    kept, at = [data[: len(_PNG)]], len(_PNG)
    while at < len(data):
        chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
        if chunk[4:5].isupper() or chunk[4:8] in (b"tRNS", b"eXIf"):  # capitals: without it, no pixels
            kept.append(chunk)
        at += len(chunk)
    return b"".join(kept)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF raises anything; a picture without readable EXIF is upright
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _rgb(image: Image.Image, turn: bool) -> Image.Image:
    if turn and _orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit grey: 65535 -> 255. Pillow itself reduces 16-bit colour while decoding.
        grey = np.asarray(image, dtype=np.float32) / 257.0
        return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
