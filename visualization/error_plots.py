"""Figures that show what goes wrong: kinds of mistakes, and whether scores mean what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from visualization.figures import LIGHT, Theme, new_figure, style_axes


def plot_errors(
    kinds: Sequence[str], costs: Sequence[float], counts: Sequence[int], *, theme: Theme = LIGHT
) -> Figure:
    """What each kind of mistake costs.

    Args:
        kinds: one word or two each.
        costs: rise of the mean average precision if they were undone, 0...1.
        counts: how many there are.
        theme: colours.
    """
    height = 0.42 * len(kinds) + 0.65
    figure = new_figure(5.6, height, theme)
    axes = figure.add_axes((0.36, 0.5 / height, 0.5, 1 - 0.6 / height))
    style_axes(axes, theme)
    points = 100 * np.asarray(costs)
    most = max(float(points.max(initial=0.0)), 1.0)
    axes.barh(range(len(kinds)), points, height=0.62, color=tuple(channel / 255 for channel in theme.wrong))
    axes.set(xlim=(0, 1.02 * most), ylim=(len(kinds) - 0.5, -0.5))
    axes.set_yticks(range(len(kinds)), labels=list(kinds), fontsize=10, color=theme.text)
    axes.xaxis.grid(color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("points of mAP", color=theme.faint, fontsize=9)
    for row, (point, count) in enumerate(zip(points, counts, strict=True)):
        axes.text(
            point + 0.02 * most, row, f"{point:.1f}  ({count})", va="center", fontsize=10, color=theme.text
        )
    return figure


def plot_reliability(
    edges: np.ndarray, shares_right: np.ndarray, counts: np.ndarray, *, theme: Theme = LIGHT
) -> Figure:
    """The share of right detections in each range of scores, with how many detections it holds.

    Args:
        edges: [B + 1] scores.
        shares_right: [B], NaN where a range is empty.
        counts: [B].
        theme: colours.
    """
    figure = new_figure(5.6, 3.9, theme)
    axes = figure.add_axes((0.13, 0.14, 0.83, 0.80))
    style_axes(axes, theme)
    axes.set(xlim=(0, 1), ylim=(0, 1.12))
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(np.linspace(0, 1, 6), labels=[f"{share:.0%}" for share in np.linspace(0, 1, 6)])
    axes.grid(color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    widths = np.diff(edges)
    colour = tuple(channel / 255 for channel in theme.right)
    axes.bar(
        edges[:-1] + widths / 2,
        np.nan_to_num(shares_right),
        0.9 * widths,
        color=colour,
        alpha=0.85,
        linewidth=0,
    )
    axes.plot([0, 1], [0, 1], color=theme.text, linewidth=1.4, linestyle=(0, (5, 3)))
    for left, width, share, count in zip(edges, widths, shares_right, counts, strict=False):
        if count:
            axes.text(
                left + width / 2,
                share + 0.02,
                f"{count}",
                ha="center",
                va="bottom",
                fontsize=8,
                color=theme.text,
            )
    axes.set_xlabel("score", color=theme.faint, fontsize=9)
    axes.set_ylabel("right", color=theme.faint, fontsize=9)
    return figure
