"""Figure of how a face classifier learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from visualization.figures import LIGHT, Theme, new_figure, style_axes


def plot_epochs(
    losses: Sequence[float], top1: Sequence[float | None], *, columns: int = 2, theme: Theme = LIGHT
) -> Figure:
    """Loss of the training faces, and share of right answers on the validation faces.

    Args:
        losses: [E].
        top1: [E], None where it was not measured.
        columns: 2 beside each other or 1 below each other.
        theme: colours.
    """
    shares = np.array([np.nan if one is None else one for one in top1], float)
    panels = [("loss of the training faces", np.asarray(losses, float))]
    if not np.isnan(shares).all():
        panels.append(("right on the validation faces", shares))
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    width, height = 0.3 + 4.4 * columns, 0.2 + 2.6 * rows
    figure = new_figure(width, height, theme)
    for i, (title, values) in enumerate(panels):
        left, top = 0.3 + 4.4 * (i % columns), 0.2 + 2.6 * (i // columns)
        axes = figure.add_axes(((left + 0.4) / width, 1 - (top + 2.1) / height, 3.8 / width, 1.75 / height))
        style_axes(axes, theme)
        axes.grid(color=theme.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=theme.text, pad=7)
        axes.set_xlabel("epoch", color=theme.faint, fontsize=9)
        axes.plot(
            np.arange(1, len(values) + 1), values, linewidth=2.2,
            color=theme.right,
        )  # fmt: skip
        if values is shares:
            axes.set_ylim(min(0.5, float(np.nanmin(shares))), 1.02)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        else:
            axes.set_ylim(bottom=0)
    return figure
