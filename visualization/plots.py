"""Figures that show how good a detector is: precision-recall curves and the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.patheffects
import numpy as np
from matplotlib.figure import Figure

from visualization.colours import hex_colour, text_colour
from visualization.figures import LIGHT, Theme, label_text, new_figure, style_axes
from visualization.text import text_width

_LABEL_PIXELS = 108  # of text of 11 pixels; longer names are cut


@dataclass(frozen=True, eq=False)
class Curve:
    """The precision-recall curve of one name.

    Attributes:
        name: any script.
        recall: [P], rising.
        precision: [P].
        average_precision: shown beside the name.
        point: (recall, precision) at the threshold at which detections are reported; None without any.
    """

    name: str
    recall: np.ndarray
    precision: np.ndarray
    average_precision: float
    point: tuple[float, float] | None = None


def plot_precision_recall(curves: Sequence[Curve], *, columns: int = 4, theme: Theme = LIGHT) -> Figure:
    """Precision over recall, one small panel for each name.

    One panel each rather than one for all: curves of many names cross, and a name can then have its own
    colour without any two having to differ.

    Args:
        curves: at least one.
        columns: panels beside each other.
        theme: colours.
    """
    if not curves:
        raise ValueError("There is no precision-recall curve to plot: no name has objects.")
    columns = min(columns, len(curves))
    rows = math.ceil(len(curves) / columns)
    figure = new_figure(0.45 + 2.35 * columns, 0.45 + 2.3 * rows, theme)
    grid = figure.add_gridspec(
        rows, columns, left=0.55 / figure.get_figwidth(), right=1 - 0.1 / figure.get_figwidth(),
        bottom=0.5 / figure.get_figheight(), top=1 - 0.35 / figure.get_figheight(), wspace=0.12, hspace=0.32,
    )  # fmt: skip
    for i, curve in enumerate(curves):
        axes = figure.add_subplot(grid[i // columns, i % columns])
        style_axes(axes, theme)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.05), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.grid(color=theme.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        colour = hex_colour(curve.name)
        if len(curve.recall):
            # Drawn with the steps that the measure integrates: the best precision at this recall or beyond.
            envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
            recall = np.concatenate([[0], curve.recall, curve.recall[-1:]])
            steps = np.concatenate([envelope[:1], envelope, [0]])
            axes.fill_between(recall, steps, step="pre", color=colour, alpha=0.22, linewidth=0)
            axes.step(
                recall, steps, where="pre", color=colour, linewidth=2.2, solid_joinstyle="round",
                path_effects=[
                    matplotlib.patheffects.Stroke(linewidth=3.2, foreground=theme.text, alpha=0.55),
                    matplotlib.patheffects.Normal(),
                ],
            )  # fmt: skip
        if curve.point is not None:
            axes.plot(
                *curve.point, marker="o", markersize=7, markerfacecolor=theme.background,
                markeredgecolor=theme.text, markeredgewidth=1.6, clip_on=False,
            )  # fmt: skip
        shown, families = label_text(curve.name, 96)
        title = axes.set_title(shown, loc="left", pad=6, parse_math=False)
        title.set(family=families, fontsize=11, fontweight="bold", color=theme.text)
        score = f"{100 * curve.average_precision:.1f} %"
        axes.set_title(score, loc="right", pad=6, fontsize=10, color=theme.faint)
        if i % columns:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("precision", color=theme.faint, fontsize=9)
        if i + columns < len(curves):
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel("recall", color=theme.faint, fontsize=9)
    return figure


def _label_inches(text: str) -> float:
    """How long a bold label of 9 points is."""
    return 1.18 * text_width(text, 11) / 11 * 9 / 72


def plot_confusion(
    names: Sequence[str],
    counts: np.ndarray,
    *,
    theme: Theme = LIGHT,
    no_answer: str = "missed",
    nobody: str = "nothing there",
    corner: str = "marked ↓   detected →",
) -> Figure:
    """The confusion matrix with background, rows = marked, columns = detected.

    A cell is the stronger in colour the larger its share of its row; in the last row, which has no number
    of its own, of its column. Right answers have one colour, mistakes another.

    Args:
        names: K names.
        counts: [K + 1, K + 1], the last row detections of nothing, the last column missed objects.
        theme: colours.
        no_answer: heading of the last column.
        nobody: heading of the last row.
        corner: says what rows and columns are.
    """
    counts = np.asarray(counts)
    side = len(names) + 1
    if counts.shape != (side, side):
        raise ValueError(
            f"{len(names)} names need counts of shape {(side, side)}, background last; got {counts.shape}."
        )
    whole = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape).copy()
    whole[-1] = counts.sum(axis=0)
    share = counts / np.maximum(whole, 1)
    strongest = np.where(np.eye(side, dtype=bool)[..., None], theme.right, theme.wrong)
    cells = theme.empty + (strongest - np.array(theme.empty)) * (0.15 + 0.85 * share[..., None]) * (
        counts[..., None] > 0
    )

    columns = [label_text(name, _LABEL_PIXELS) for name in names] + [(no_answer, ["DejaVu Sans"])]
    above = max(_label_inches(text) for text, _ in columns) + 0.2
    cell, label = 0.5, 1.7
    width, height = label + cell * side + 0.15, above + cell * side + 0.15
    figure = new_figure(width, height, theme)
    axes = figure.add_axes((label / width, 0.15 / height, cell * side / width, cell * side / height))
    axes.imshow(cells / 255, interpolation="nearest", aspect="auto")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks(np.arange(side + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(side + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=theme.background, linewidth=2)
    # The last row and column are something else than names: set them a little apart.
    for line in (axes.axhline, axes.axvline):
        line(side - 1.5, color=theme.background, linewidth=6)
    axes.tick_params(which="both", length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for axis, shown in ((axes.xaxis, columns), (axes.yaxis, [*columns[:-1], (nobody, ["DejaVu Sans"])])):
        axis.set_ticks(range(side), labels=[text for text, _ in shown], parse_math=False)
        for tick, (_, families) in zip(axis.get_ticklabels(), shown, strict=True):
            tick.set(family=families, fontsize=9, fontweight="bold", color=theme.text)
        axis.get_ticklabels()[-1].set(color=theme.faint, fontweight="normal", style="italic")
    style = {"ha": "right", "va": "bottom", "fontsize": 8, "color": theme.faint}
    figure.text((label - 0.12) / width, 1 - (above - 0.12) / height, corner, **style)
    for tick in axes.get_xticklabels():
        tick.set(rotation=90)
    for row, column in zip(*np.nonzero(counts), strict=True):
        count = counts[row, column]
        text = str(count) if count < 10_000 else f"{count / 1000:.0f}k"
        red, green, blue = cells[row, column].astype(int).tolist()
        colour = text_colour((red, green, blue))
        axes.text(
            column, row, text, ha="center", va="center", fontsize=9,
            color=tuple(v / 255 for v in colour), fontweight="bold" if row == column else "normal",
        )  # fmt: skip
    return figure
