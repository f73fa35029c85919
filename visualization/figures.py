"""What all figures share: colours to suit a page, axes, names in any script, and the way to a PNG.

Drawn through Matplotlib's objects, so that no window system and no global state is touched.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from visualization.text import fit, font_runs, one_line


@dataclass(frozen=True)
class Theme:
    """Colours of a figure, `#rrggbb`, to suit the page that it stands on."""

    background: str
    text: str
    faint: str
    grid: str
    right: str
    wrong: str
    empty: str


LIGHT = Theme("#ffffff", "#1d2430", "#667085", "#e4e7ec", "#1c54be", "#d6522a", "#f6f7f9")
DARK = Theme("#171b22", "#e6e9ef", "#98a2b3", "#2c333f", "#78aaff", "#f47c54", "#20252e")


def picture_of(figure: Figure, *, dots_per_inch: int = 160) -> bytes:
    """The figure as a PNG; the same figure gives the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return file.getvalue()


def style_axes(axes: Axes, theme: Theme, *, grid: bool = False) -> Axes:
    """The axes without a frame, in the theme's colours."""
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.faint, labelsize=8, length=0)
    axes.spines[:].set_visible(False)
    if grid:
        axes.grid(color=theme.grid, linewidth=0.8)
        axes.set_axisbelow(True)
    return axes


def add_panel(
    figure: Figure, theme: Theme, left: float, bottom: float, width: float, height: float, grid: bool = False
) -> Axes:
    """Axes with their corner so many inches from the figure's, and so many inches large."""
    wide, high = figure.get_figwidth(), figure.get_figheight()
    axes = figure.add_axes((left / wide, bottom / high, width / wide, height / high))
    return style_axes(axes, theme, grid=grid)


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


def set_names(axis: Axis, labels: Sequence[tuple[str, list[str]]], theme: Theme, *, size: float = 10) -> None:
    """Marks 0, 1, 2... of an axis with labels made by `label_text`."""
    axis.set_ticks(range(len(labels)), labels=[text for text, _ in labels], parse_math=False)
    for tick, (_, families) in zip(axis.get_ticklabels(), labels, strict=True):
        tick.set(family=families, fontsize=size, fontweight="bold", color=theme.text)


def label_axes(
    axes: Axes, theme: Theme, *, title: str = "", explanation: str = "", x: str = "", y: str = ""
) -> None:
    """A title, an explanation to its right, and what is measured along the axes."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=theme.text, pad=7)
    axes.set_title(explanation, loc="right", fontsize=8, color=theme.faint, pad=7)
    axes.set_xlabel(x, color=theme.faint, fontsize=9)
    axes.set_ylabel(y, color=theme.faint, fontsize=9)
