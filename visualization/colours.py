"""One stable colour per name, the same on pictures, in plots and in HTML.

The colour is a function of the name alone, so a character keeps it whatever other names a run knows,
on every machine. Lightness and chroma are those of OKLCH (Ottosson 2020, "A perceptual color space for
image processing"), where equal steps look equal; the hue comes from a hash.
"""

import functools
import hashlib
import math
import unicodedata

# Three lightnesses, so that two names whose hues fall close together can still differ.
_LIGHTNESSES = (0.60, 0.72, 0.84)
_MOST_CHROMA = 0.19
# Of 8000 tried, one that sets the eight names of the drawn demo set far apart. Any would do for other names.
_SALT = b"1393"


@functools.lru_cache(maxsize=4096)
def name_colour(name: str) -> tuple[int, int, int]:
    """The colour of a name, (red, green, blue) of 0...255: vivid, neither so dark nor so light as to be lost.

    Two Unicode spellings of the same text (NFC, NFD) have the same colour.
    """
    text = unicodedata.normalize("NFC", name).encode("utf-8", "surrogatepass")
    # Not hash(): Python salts it anew in every process.
    digest = hashlib.blake2b(text, digest_size=8, salt=_SALT).digest()
    turn = int.from_bytes(digest[:6], "big") / 2**48
    lightness = _LIGHTNESSES[digest[6] % len(_LIGHTNESSES)]
    return _vivid(lightness, 2 * math.pi * turn)


def hex_colour(name: str) -> str:
    """`name_colour` as `#rrggbb`, for Matplotlib and HTML."""
    return "#{:02x}{:02x}{:02x}".format(*name_colour(name))


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance of an sRGB colour, 0 (black) to 1 (white), as WCAG 2.2 defines it."""
    red, green, blue = (_to_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> float:
    """WCAG 2.2 contrast ratio of two sRGB colours, 1 (equal) to 21 (black on white)."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def text_colour(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever reads better on the background: the ratio is never below 4.5 (WCAG AA)."""
    black, white = (0, 0, 0), (255, 255, 255)
    return black if contrast(black, background) >= contrast(white, background) else white


def _to_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _to_srgb(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _oklch_to_linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """Linear sRGB, outside 0...1 where the screen cannot show the colour. Matrices: Ottosson 2020."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _vivid(lightness: float, hue: float) -> tuple[int, int, int]:
    """The colour of this lightness and hue with the most chroma (up to a limit) that a screen can show."""
    low, high = 0.0, _MOST_CHROMA
    for _ in range(16):
        chroma = (low + high) / 2
        shown = all(0 <= channel <= 1 for channel in _oklch_to_linear(lightness, chroma, hue))
        low, high = (chroma, high) if shown else (low, chroma)
    red, green, blue = (round(255 * _to_srgb(max(0.0, c))) for c in _oklch_to_linear(lightness, low, hue))
    return red, green, blue
