"""Picture files: which are accepted, what is wrong with a bad one, their pixels as RGB, going through many.

Pillow decodes here, because it says when a picture is cut short (older OpenCV fills the rest with grey) and
because it reads EXIF, CMYK, palettes and 16 bits. It releases the interpreter lock while it works, so plain
threads decode in parallel (measured: benchmarks/conversion.py).
"""

import io
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from files.parallel import map_in_threads
from files.reading import table_beside
from files.telling import why
from files.writing import write_bytes

_TABLE = table_beside(__file__, "suffixes")
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


class UnusableFile(ValueError):
    """A file that cannot be used; `kind`, `detail` and `action` as in `datasets.problems.Problem`."""

    def __init__(self, kind: str, detail: str, action: str = "left out"):
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.detail, self.action = kind, detail, action


class PictureError(UnusableFile):
    """A picture that cannot be used."""


def read_picture(path: Path, *, turn: bool = True, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Any accepted picture as uint8 [H, W, 3] RGB; transparency is laid over white, 16 bits are scaled to 8.

    With `turn` its EXIF orientation is applied, as every viewer does. PictureError as `read_picture_file`.
    """
    return decode_picture(read_picture_file(path, max_pixels=max_pixels), turn=turn, max_pixels=max_pixels)


def decode_picture(data: bytes, *, turn: bool = True, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """`read_picture` for a file's bytes, wherever they came from."""
    image = decoded(data, max_pixels)
    if turn and orientation_of(image) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit grey: 65535 -> 255. Pillow itself reduces 16-bit colour while decoding.
        grey = np.rint(np.asarray(image, dtype=np.float32) / 257.0)
        image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def in_batches(
    items: Iterable[Item],
    read: Callable[[Item], np.ndarray],
    work: Callable[[list[np.ndarray]], Sequence[Found]],
    *,
    batch_size: int,
    unreadable: Callable[[Item, PictureError], None],
) -> Iterator[tuple[Item, np.ndarray, Found]]:
    """Gives each item with its picture and result, in order; the next pictures are read during the work.

    `read` is called in threads, `work` for up to `batch_size` pictures [H, W, 3]; `unreadable` is told of
    every item that is left out since `read` raises PictureError.
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

    PictureError: it cannot be written, or Pillow writes no format with this suffix.
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


def bytes_of(path: Path, most: int, what: str, error: type[UnusableFile]) -> bytes:
    """A file's bytes; raises `error`, about `what` it is, where it cannot be read or has more than `most`."""
    try:
        if path.is_fifo() or path.is_char_device():  # to read these may never end
            raise error(f"{what} cannot be read", "neither a file nor a folder")
        size = path.stat().st_size
        if size > most:
            raise error(f"{what} file too large", f"{size} bytes, at most {most}", "refused")
        return path.read_bytes()
    except OSError as failed:
        raise error(f"{what} cannot be read", failed.strerror or str(failed)) from None


def read_picture_file(path: Path, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """A picture file's bytes, not decoded.

    PictureError where it cannot be read, is empty, of a format that is not read, or larger than a picture of
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


def decoded(data: bytes, max_pixels: int) -> Image.Image:
    """A picture file's bytes as Pillow has them, all of it decoded; or PictureError."""
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
            return decoded(bare, max_pixels)
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


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) to 8."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF raises anything; a picture without readable EXIF is upright
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
