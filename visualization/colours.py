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
    """The colour of a name, R, G, B: vivid, and never so dark or so light that a line of it is lost.

    Two Unicode spellings of the same text (NFC, NFD) have the same colour.
    """
    text = unicodedata.normalize("NFC", name).encode("utf-8", "surrogatepass")
    # Not hash(): Python salts it anew in every process.
    digest = hashlib.blake2b(text, digest_size=8, salt=_SALT).digest()
    turn = int.from_bytes(digest[:6], "big") / 2**48
    lightness, hue = _LIGHTNESSES[digest[6] % len(_LIGHTNESSES)], 2 * math.pi * turn
    low, high = 0.0, _MOST_CHROMA  # the most chroma, up to a limit, that a screen can show
    for _ in range(16):
        chroma = (low + high) / 2
        shown = all(0 <= channel <= 1 for channel in _oklch_to_linear(lightness, chroma, hue))
        low, high = (chroma, high) if shown else (low, chroma)
    linear = (max(0.0, channel) for channel in _oklch_to_linear(lightness, low, hue))
    screen = (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in linear)  # sRGB
    red, green, blue = (round(255 * channel) for channel in screen)
    return red, green, blue


def hex_colour(name: str) -> str:
    """`name_colour` as `#rrggbb`, for Matplotlib and HTML."""
    return "#{:02x}{:02x}{:02x}".format(*name_colour(name))


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance of an sRGB colour, 0 (black) to 1 (white), as WCAG 2.2 defines it."""
    screen = (channel / 255 for channel in colour)
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in screen)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def text_colour(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever reads better on the background: the ratio is never below 4.5 (WCAG AA)."""
    own = luminance(background) + 0.05  # WCAG 2.2: contrast is the lighter of two such sums by the darker
    return (0, 0, 0) if own / 0.05 >= 1.05 / own else (255, 255, 255)


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
