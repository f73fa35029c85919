"""Figures that show how good a detector is, what goes wrong, and how a training went."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.patheffects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from visualization.colours import hex_colour, text_colour
from visualization.figures import LIGHT, Theme, add_panel, label_axes, label_text, set_names, style_axes
from visualization.text import text_width

MOST_NAMES = 24  # that a figure shows: more could not be read, and it would grow with their square
_LABEL_PIXELS = 108  # of text of 11 pixels; longer names are cut


@dataclass(frozen=True, eq=False)
class Curve:
    """The precision-recall curve of one name."""

    name: str  # any script
    recall: np.ndarray  # [P], rising
    precision: np.ndarray  # [P]
    average_precision: float  # shown beside the name
    # (recall, precision) at the threshold at which detections are reported; None without any.
    point: tuple[float, float] | None = None


def plot_precision_recall(curves: Sequence[Curve], *, columns: int = 4, theme: Theme = LIGHT) -> Figure:
    """Precision over recall, one small panel for each name, at most so many columns beside each other.

    One panel each rather than one for all: curves of many names cross, and a name can then have its own
    colour without any two having to differ.

    Args:
        curves: at least one; of more than `MOST_NAMES` those with the lowest average precision are shown.
    """
    if not curves:
        raise ValueError("There is no precision-recall curve to plot: no name has objects.")
    total, curves = len(curves), _shown(curves, [-curve.average_precision for curve in curves])
    columns = min(columns, len(curves))
    rows = math.ceil(len(curves) / columns)
    figure = Figure((0.45 + 2.35 * columns, 0.45 + 2.3 * rows), facecolor=theme.background)
    grid = figure.add_gridspec(
        rows, columns, left=0.55 / figure.get_figwidth(), right=1 - 0.1 / figure.get_figwidth(),
        bottom=0.5 / figure.get_figheight(), top=1 - 0.35 / figure.get_figheight(), wspace=0.12, hspace=0.32,
    )  # fmt: skip
    for i, curve in enumerate(curves):
        axes = style_axes(figure.add_subplot(grid[i // columns, i % columns]), theme, grid=True)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.05), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        first, last = not i % columns, i + columns >= len(curves)
        axes.tick_params(labelleft=first, labelbottom=last)
        label_axes(axes, theme, x="recall" if last else "", y="precision" if first else "")
        _plot_curve(axes, curve, theme)
    _say_of_how_many(figure, theme, len(curves), total, "the lowest average precision")
    return figure


def _shown(names: Sequence[Any], need: Sequence[float]) -> list[Any]:
    """Those of the names, or of what stands for them, that need to be seen most, in their order."""
    first = sorted(range(len(names)), key=lambda i: -need[i])[:MOST_NAMES]
    return [names[i] for i in sorted(first)]


def _say_of_how_many(figure: Figure, theme: Theme, shown: int, total: int, what: str) -> None:
    if shown < total:
        place = 0.1 / figure.get_figwidth(), 0.05 / figure.get_figheight()
        figure.text(*place, f"{shown} of {total} names: those with {what}.", fontsize=8, color=theme.faint)


def _plot_curve(axes: Axes, curve: Curve, theme: Theme) -> None:
    if len(curve.recall):
        # Drawn with the steps that the measure integrates: the best precision at this recall or beyond.
        colour, envelope = hex_colour(curve.name), np.maximum.accumulate(curve.precision[::-1])[::-1]
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
    of its own, of its column. Right answers have one colour, mistakes another. Of more than `MOST_NAMES`
    those with the most mistakes are shown; shares are of all.

    Args:
        names: K names.
        counts: [K + 1, K + 1], the last row detections of nothing, the last column missed objects.
        no_answer: heading of the last column.
        nobody: heading of the last row.
        corner: says what rows and columns are.
    """
    counts = np.asarray(counts)
    side = len(names) + 1
    if counts.shape != (side, side):
        needed = f"counts of shape {(side, side)}, background last"
        raise ValueError(f"{len(names)} names need {needed}; got {counts.shape}.")
    cells, mistakes = _cell_colours(counts, theme), counts - np.diag(np.diag(counts))
    need = (mistakes.sum(axis=0) + mistakes.sum(axis=1)).tolist()[:-1]
    kept: list[int] = [*_shown(range(side - 1), need), side - 1]
    counts, cells, side, total = counts[np.ix_(kept, kept)], cells[np.ix_(kept, kept)], len(kept), side - 1
    columns = [label_text(names[i], _LABEL_PIXELS) for i in kept[:-1]] + [(no_answer, ["DejaVu Sans"])]
    # A bold label of 9 points, of which 72 are an inch.
    above = max(1.18 * text_width(text, 11) / 11 * 9 / 72 for text, _ in columns) + 0.2
    cell, label = 0.5, 1.7
    below = 0.15 if side > total else 0.3
    width, height = label + cell * side + 0.15, above + cell * side + below
    figure = Figure((width, height), facecolor=theme.background)
    axes = add_panel(figure, theme, label, below, cell * side, cell * side)
    _say_of_how_many(figure, theme, side - 1, total, "the most mistakes")
    axes.imshow(cells, interpolation="nearest", aspect="auto")
    axes.set_xticks(np.arange(side + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(side + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=theme.background, linewidth=2)
    # The last row and column are something else than names: set them a little apart.
    for line in (axes.axhline, axes.axvline):
        line(side - 1.5, color=theme.background, linewidth=6)
    axes.tick_params(which="both", length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for axis, shown in ((axes.xaxis, columns), (axes.yaxis, [*columns[:-1], (nobody, ["DejaVu Sans"])])):
        set_names(axis, shown, theme, size=9)
        axis.get_ticklabels()[-1].set(color=theme.faint, fontweight="normal", style="italic")
    for tick in axes.get_xticklabels():
        tick.set(rotation=90)
    figure.text(
        (label - 0.12) / width, 1 - (above - 0.12) / height, corner, ha="right", va="bottom", fontsize=8,
        color=theme.faint,
    )  # fmt: skip
    for row, column in zip(*np.nonzero(counts), strict=True):
        count = counts[row, column]
        red, green, blue = (255 * cells[row, column]).astype(int).tolist()
        axes.text(
            column, row, str(count) if count < 10_000 else f"{count / 1000:.0f}k", ha="center", va="center",
            color=tuple(channel / 255 for channel in text_colour((red, green, blue))), fontsize=9,
            fontweight="bold" if row == column else "normal",
        )  # fmt: skip
    return figure


def _cell_colours(counts: np.ndarray, theme: Theme) -> np.ndarray:
    """[S, S, 3] in 0...1 for counts [S, S]."""
    whole = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape).copy()
    whole[-1] = counts.sum(axis=0)
    share = counts / np.maximum(whole, 1)
    empty, right, wrong = (np.array(to_rgb(colour)) for colour in (theme.empty, theme.right, theme.wrong))
    strongest = np.where(np.eye(len(counts), dtype=bool)[..., None], right, wrong)
    return empty + (strongest - empty) * ((0.15 + 0.85 * share) * (counts > 0))[..., None]


def plot_errors(kinds: Sequence[str], counts: Sequence[int], *, theme: Theme = LIGHT) -> Figure:
    """How many mistakes there are of each kind."""
    height = 0.42 * len(kinds) + 0.2
    figure = Figure((5.6, height), facecolor=theme.background)
    axes = add_panel(figure, theme, 2.016, 0.05, 2.8, height - 0.15)
    most = max(*counts, 1)
    bars = axes.barh(range(len(kinds)), counts, height=0.62, color=theme.wrong)
    axes.set(xlim=(0, 1.02 * most), ylim=(len(kinds) - 0.5, -0.5), xticks=())
    axes.set_yticks(range(len(kinds)), labels=list(kinds), fontsize=10, color=theme.text)
    axes.bar_label(bars, padding=4, fontsize=10, color=theme.text)
    return figure


def plot_reliability(
    edges: np.ndarray, shares_right: np.ndarray, counts: np.ndarray, *, theme: Theme = LIGHT
) -> Figure:
    """The share of right answers (NaN: none) in each of B ranges of scores, and how many answers it holds."""
    figure = Figure((5.6, 3.9), facecolor=theme.background)
    axes = add_panel(figure, theme, 0.728, 0.546, 4.648, 3.12, grid=True)
    tenths = np.linspace(0, 1, 6)
    axes.set(xlim=(0, 1), ylim=(0, 1.12), xticks=tenths)
    axes.set_yticks(tenths, labels=[f"{share:.0%}" for share in tenths])
    widths = np.diff(edges)
    middles = edges[:-1] + widths / 2
    shares = np.nan_to_num(shares_right)
    bars = axes.bar(middles, shares, 0.9 * widths, color=theme.right, alpha=0.85, linewidth=0)
    axes.plot([0, 1], [0, 1], color=theme.text, linewidth=1.4, linestyle=(0, (5, 3)))
    axes.bar_label(bars, [f"{count or ''}" for count in counts], padding=2, fontsize=8, color=theme.text)
    label_axes(axes, theme, x="score", y="right")
    return figure


def plot_training(
    steps: Sequence[float],
    losses: Mapping[str, Sequence[float]],
    precision: Sequence[float],
    learning_rate: Sequence[float],
    *,
    best_step: float | None = None,
    columns: int = 3,
    theme: Theme = LIGHT,
) -> Figure:
    """Loss with its parts, validation mAP, and learning rate over the steps.

    Args:
        steps: [P] of the points.
        losses: name -> [P], the first is their sum and drawn strongest.
        precision: [P] mAP, 0...1; NaN where it was not measured, empty where it never was.
        learning_rate: [P].
        best_step: whose weights were kept.
        columns: 3 beside each other or 1 below each other.
    """
    panels = ["loss", *(["mAP on the validation set"] if len(precision) else []), "learning rate"]
    columns = min(columns, len(panels))
    height = 0.2 + 2.7 * math.ceil(len(panels) / columns)
    figure = Figure((0.3 + 3.9 * columns, height), facecolor=theme.background)
    axes = []
    for i, title in enumerate(panels):
        left, top = 0.7 + 3.9 * (i % columns), 2.35 + 2.7 * (i // columns)
        one = add_panel(figure, theme, left, height - top, 3.3, 1.85, grid=True)
        label_axes(one, theme, title=title, x="step")
        one.set_xlim(0, max(max(steps, default=1), 1))
        axes.append(one)
    alone = "o" if len(steps) == 1 else None  # a line through one point cannot be seen
    styles = ["-", (0, (4, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2))]
    for i, (name, values) in enumerate(losses.items()):
        colour, width = (theme.faint, 1.4) if i else (theme.right, 2.2)
        style = styles[i % len(styles)]
        axes[0].plot(steps, values, label=name, color=colour, linewidth=width, linestyle=style, marker=alone)
    axes[0].legend(frameon=False, fontsize=8, labelcolor=theme.text, loc="upper right")
    if len(precision):
        measured = ~np.isnan(np.asarray(precision, float))
        x, y = np.asarray(steps, float)[measured], np.asarray(precision, float)[measured]
        axes[1].plot(x, y, color=theme.right, linewidth=2.2, marker="o", markersize=3.5)
        axes[1].set_ylim(0, 1.02)
        for kept in np.flatnonzero(x == best_step)[:1]:
            axes[1].plot(x[kept], y[kept], marker="o", markersize=9, color=theme.wrong, clip_on=False)
            axes[1].annotate(
                f"{y[kept]:.3f}", (x[kept], y[kept]), xytext=(-8, -16), textcoords="offset points",
                ha="right", fontsize=10, fontweight="bold", color=theme.text,
            )  # fmt: skip
    axes[-1].plot(steps, learning_rate, color=theme.right, linewidth=2.2, marker=alone)
    axes[-1].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for one in (axes[0], axes[-1]):
        one.set_ylim(bottom=0)
    return figure
