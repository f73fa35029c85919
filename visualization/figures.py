"""What all figures share: colours to suit a page, a canvas, names in any script, and the way to a PNG.

Drawn on Matplotlib's Agg canvas through its objects, so that no window system and no global state is touched.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from visualization.fonts import font_runs
from visualization.text import fit, one_line


@dataclass(frozen=True)
class Theme:
    """Colours of a figure, to suit the page that it stands on."""

    background: str
    text: str
    faint: str
    grid: str
    right: tuple[int, int, int]
    wrong: tuple[int, int, int]
    empty: tuple[int, int, int]


LIGHT = Theme("#ffffff", "#1d2430", "#667085", "#e4e7ec", (28, 84, 190), (214, 82, 42), (246, 247, 249))
DARK = Theme("#171b22", "#e6e9ef", "#98a2b3", "#2c333f", (120, 170, 255), (244, 124, 84), (32, 37, 46))


def picture_of(figure: Figure, *, dots_per_inch: int = 160) -> bytes:
    """The figure as a PNG; the same figure gives the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return file.getvalue()


def new_figure(width: float, height: float, theme: Theme) -> Figure:
    """An empty figure of so many inches on an Agg canvas."""
    figure = Figure((width, height), facecolor=theme.background)
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, theme: Theme) -> None:
    """Axes without a frame, in the theme's colours."""
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.faint, labelsize=8, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def label_text(name: str, width: int) -> tuple[str, list[str]]:
    """A name cut to `width` pixels of 11 pixels' text, and the font families that it takes.

    Matplotlib takes each character from the first family that has it.
    """
    runs = font_runs(fit(one_line(name), 11, width) or "…", 11)
    known = {entry.fname: entry.name for entry in font_manager.fontManager.ttflist}
    families = ["DejaVu Sans"]  # Matplotlib's own; the numbers of the axes are written in it
    for path in dict.fromkeys(str(font.path) for _, font in runs):
        if path not in known:
            font_manager.fontManager.addfont(path)
            known[path] = font_manager.fontManager.ttflist[-1].name
        families.append(known[path])
    return "".join(run for run, _ in runs), families
