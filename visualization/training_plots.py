"""Figures of a training: how loss, precision and learning rate went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from visualization.figures import LIGHT, Theme, new_figure, style_axes


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
        theme: colours.
    """
    panels = ["loss", *(["mAP on the validation set"] if len(precision) else []), "learning rate"]
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    width, height = 0.3 + 3.9 * columns, 0.2 + 2.7 * rows
    figure = new_figure(width, height, theme)
    axes = {}
    for i, title in enumerate(panels):
        left, top = 0.3 + 3.9 * (i % columns), 0.2 + 2.7 * (i // columns)
        one = figure.add_axes(((left + 0.4) / width, 1 - (top + 2.15) / height, 3.3 / width, 1.85 / height))
        style_axes(one, theme)
        one.grid(color=theme.grid, linewidth=0.8)
        one.set_axisbelow(True)
        one.set_title(title, loc="left", fontsize=11, fontweight="bold", color=theme.text, pad=7)
        one.set_xlabel("step", color=theme.faint, fontsize=9)
        one.set_xlim(0, max(max(steps, default=1), 1))
        axes[title] = one
    blue, red = (tuple(channel / 255 for channel in colour) for colour in (theme.right, theme.wrong))
    _plot_losses(axes["loss"], steps, losses, theme, blue)
    if len(precision):
        one = axes["mAP on the validation set"]
        measured = ~np.isnan(np.asarray(precision, float))
        x, y = np.asarray(steps, float)[measured], np.asarray(precision, float)[measured]
        one.plot(x, y, color=blue, linewidth=2.2, marker="o", markersize=3.5)
        one.set_ylim(0, 1.02)
        kept = np.flatnonzero(x == best_step) if best_step is not None else []
        if len(kept):
            one.plot(x[kept], y[kept], marker="o", markersize=9, color=red, clip_on=False)
            one.annotate(
                f"{y[kept[0]]:.3f}", (x[kept[0]], y[kept[0]]), xytext=(-8, -16), textcoords="offset points",
                ha="right", fontsize=10, fontweight="bold", color=theme.text,
            )  # fmt: skip
    one = axes["learning rate"]
    one.plot(steps, learning_rate, color=blue, linewidth=2.2, marker=_marker(steps))
    one.set_ylim(bottom=0)
    one.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure


def _marker(steps: Sequence[float]) -> str | None:
    """A line through one point cannot be seen."""
    return "o" if len(steps) == 1 else None


def _plot_losses(axes: Axes, steps, losses: Mapping[str, Sequence[float]], theme: Theme, colour) -> None:
    styles = ["-", (0, (4, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2))]
    for i, (name, values) in enumerate(losses.items()):
        axes.plot(
            steps, values, label=name, color=colour if i == 0 else theme.faint,
            linewidth=2.2 if i == 0 else 1.4, linestyle=styles[i % len(styles)], marker=_marker(steps),
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, labelcolor=theme.text, loc="upper right")
