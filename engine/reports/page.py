"""Reports as HTML pages: one file each, readable on a phone, light and dark, with everything inside.

The templates are in `pages/`: `base.html` is the frame, `evaluation_parts.html` what the reports of an
evaluation and of a training share; a `.txt` says a result in plain words.
"""

import base64
import functools
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from datasets.problems import some_of
from visualization.colours import hex_colour
from visualization.figures import DARK, LIGHT, picture_of
from visualization.plots import MOST_NAMES
from visualization.web_font import web_font

PAGES = Path(__file__).with_name("pages")
THEMES = {"light": LIGHT, "dark": DARK}


@functools.cache
def _templates() -> jinja2.Environment:
    """Names and file names come from other people's files: in HTML autoescape keeps them text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent, colour=hex_colour, counted=counted, some_of=some_of, jpeg=jpeg_uri, lines=lines
    )
    environment.globals["most_names"] = MOST_NAMES
    return environment


def render_page(template: str, *, says: Any, **content: Any) -> str:
    """A page as text.

    `says` is everything in it that came from somebody's files, as plain values: names in scripts that a
    system has no font for get a piece of the shipped one.
    """
    font = web_font(json.dumps(says, ensure_ascii=False, default=str))
    uri = None if font is None else data_uri("font/woff", font)
    return _templates().get_template(template).render(font=uri, **content)


def sentences(template: str, **content: Any) -> list[str]:
    """Plain text, a sentence or figure to a line, of a `.txt` in `pages/`."""
    text = _templates().get_template(template).render(**content)
    return [line for line in text.split("\n") if line]


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 picture`, `2 pictures`, `2 boxes`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def percent(value: float | None, digits: int = 1) -> str:
    """0...1 as per cent; n/a for None."""
    return "n/a" if value is None else f"{100 * value:.{digits}f} %"


def themed(plot: Callable[..., Figure]) -> dict[str, str]:
    """`plot(theme=...)` for light and for dark pages: name of the theme -> data URI of a PNG."""
    return {key: data_uri("image/png", picture_of(plot(theme=theme))) for key, theme in THEMES.items()}


def jpeg_uri(picture: np.ndarray, *, quality: int = 85) -> str:
    """A picture, uint8 [H, W, 3], as a data URI of a JPEG."""
    file = io.BytesIO()
    # Full colour resolution, as coloured lines and text need it.
    Image.fromarray(picture).save(file, "jpeg", quality=quality, subsampling=0)
    return data_uri("image/jpeg", file.getvalue())


def data_uri(kind: str, data: bytes) -> str:
    """The bytes of a file inside of a page."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def lines(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested mappings as lines of (dotted name, value)."""
    if isinstance(values, Mapping):
        return [
            line
            for key, value in values.items()
            for line in lines(value, f"{prefix}.{key}" if prefix else str(key))
        ]
    if isinstance(values, (list, tuple)):
        return [(prefix, ", ".join(map(str, values)))]
    return [(prefix, "not given" if values is None else str(values))]
