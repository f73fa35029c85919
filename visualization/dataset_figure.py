"""dataset.png: what a set of boxes looks like to a network, on one page."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from visualization.figures import LIGHT, Theme, add_panel, label_axes, label_text, set_names

# The overlap from which on an anchor is trained to find a box: SSD paper, section 2.2.
MATCH_IOU = 0.5

_MOST_NAMES = 24
_SPLIT_COLOURS = ("#1c54be", "#f2a33a", "#2a9d8f", "#a05fb4", "#8a94a6")
# Sides of boxes in percent of the picture: edges of the bars.
_SIDE_EDGES = np.array([0, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100])


def plot_dataset(
    counts: Mapping[str, Mapping[str, int]],
    pictures: Mapping[str, int],
    boxes: np.ndarray,
    best_iou: np.ndarray | None = None,
    *,
    network_name: str = "",
    theme: Theme = LIGHT,
) -> Figure:
    """Boxes per name and split; their sizes, shapes and positions; and how well anchors cover them.

    Args:
        counts: boxes by name, by split.
        pictures: pictures by split.
        boxes: float32 [N, 4], (ymin, xmin, ymax, xmax) as fractions; may be empty.
        best_iou: [N], the overlap of each box with the best of the network's anchors; None leaves it out.
    """
    names: Counter[str] = Counter()
    for some in counts.values():
        names.update(some)
    shown = [name for name, _ in names.most_common()]
    rows = min(len(shown), _MOST_NAMES + 1) or 1
    bars_height = 0.34 * rows + 0.75
    width, height = 12.0, 0.55 + bars_height + 3.85
    figure = Figure((width, height), facecolor=theme.background)

    totals = {"picture": sum(pictures.values()), "box": names.total(), "name": len(names)}
    headline = ", ".join(_counted(count, thing) for thing, count in totals.items())
    figure.text(0.35 / width, 1 - 0.42 / height, headline, fontsize=17, fontweight="bold", color=theme.text)
    upper = add_panel(figure, theme, 1.75, 3.95, width - 2.45, bars_height - 0.5)
    _plot_names(upper, counts, pictures, shown, theme)
    sides, shapes, places = (
        add_panel(figure, theme, left, 0.62, wide, 2.65)
        for left, wide in ((0.75, 4.75), (5.9, 2.6), (8.95, 2.7))
    )
    _plot_sides(sides, boxes, best_iou, network_name, theme)
    _plot_shapes(shapes, boxes, theme)
    _plot_positions(places, boxes, theme)
    return figure


def _plot_names(
    axes: Axes,
    counts: Mapping[str, Mapping[str, int]],
    pictures: Mapping[str, int],
    shown: list[str],
    theme: Theme,
) -> None:
    """One bar per name, its splits side by side in it."""
    rest = shown[_MOST_NAMES:] if len(shown) > _MOST_NAMES + 1 else []
    shown = shown[: len(shown) - len(rest)]
    rows = [label_text(name, 100) for name in shown]
    ends = np.zeros(len(rows))
    most = max((sum(one.get(name, 0) for one in counts.values()) for name in shown), default=0)
    for index, (split, one) in enumerate(counts.items()):
        values = np.array([one.get(name, 0) for name in shown], float)
        colour = _SPLIT_COLOURS[index % len(_SPLIT_COLOURS)]
        label = f"{split}  ({_counted(pictures[split], 'picture')})"
        axes.barh(range(len(rows)), values, left=ends, height=0.68, color=colour, label=label)
        for row, value in enumerate(values):
            if value > 0.035 * most:
                middle = ends[row] + value / 2
                text = axes.text(middle, row, f"{value:.0f}", ha="center", va="center", fontsize=8)
                text.set(color="white", fontweight="bold")
        ends += values
    for row, end in enumerate(ends):
        axes.text(end + 0.006 * most, row, f"{end:.0f}", va="center", fontsize=8.5, color=theme.faint)
    if rest:
        hidden = sum(one.get(name, 0) for one in counts.values() for name in rest)
        said = f"and {len(rest)} more names with {_counted(hidden, 'box')}"
        axes.text(0, len(rows) + 0.1, said, va="center", fontsize=9, color=theme.faint)
    axes.set(ylim=(len(rows) + bool(rest) - 0.4, -0.6), xlim=(0, 1.04 * most or 1), xticks=())
    set_names(axes.yaxis, rows, theme)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncols=len(counts), frameon=False, fontsize=9,
        labelcolor=theme.text, handlelength=1.0, handleheight=1.0, columnspacing=1.6, borderaxespad=0.2,
    )  # fmt: skip


def _plot_sides(
    axes: Axes, boxes: np.ndarray, best_iou: np.ndarray | None, network_name: str, theme: Theme
) -> None:
    sides = 100 * np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    bins = np.clip(np.digitize(sides, _SIDE_EDGES) - 1, 0, len(_SIDE_EDGES) - 2)
    every = np.bincount(bins, minlength=len(_SIDE_EDGES) - 1)
    places = np.arange(len(every))
    label_axes(axes, theme, title="Size", explanation="side in % of the picture")
    if best_iou is None:
        axes.bar(places, every, width=0.82, color=theme.right)
    else:
        covered = np.bincount(bins[best_iou >= MATCH_IOU], minlength=len(every))
        share = f" {covered.sum() / len(boxes):.1%}" if len(boxes) else ""
        fits = f"an anchor of {network_name} fits, IoU ≥ {MATCH_IOU:g}:{share}"
        axes.bar(places, covered, width=0.82, color=theme.right, label=fits)
        rest = every - covered
        axes.bar(places, rest, bottom=covered, width=0.82, color=theme.wrong, label="none does")
        for place in places[covered < every]:
            share = f"{100 * covered[place] // every[place]}%"
            above = every[place] + 0.015 * every.max()
            axes.text(place, above, share, ha="center", fontsize=7, color=theme.wrong)
        axes.legend(
            loc="upper right", frameon=False, fontsize=7.5, labelcolor=theme.text, handlelength=1.0,
            handleheight=1.0, borderaxespad=0.0,
        )  # fmt: skip
    axes.set_ylim(0, 1.3 * max(every.max(), 1))
    axes.set_yticks(())
    axes.set_xticks(np.arange(len(_SIDE_EDGES)) - 0.5, labels=[str(edge) for edge in _SIDE_EDGES])


def _plot_shapes(axes: Axes, boxes: np.ndarray, theme: Theme) -> None:
    """Width over height in fractions of the picture, which is what anchors are made in."""
    sides = boxes[:, 2:] - boxes[:, :2]
    ratios = np.clip(np.log2(sides[:, 1] / sides[:, 0]), -2.49, 2.49)
    label_axes(axes, theme, title="Shape", explanation="width : height")
    axes.hist(ratios, bins=np.linspace(-2.5, 2.5, 26).tolist(), color=theme.right, rwidth=0.86)
    axes.set(xlim=(-2.5, 2.5), yticks=())
    axes.set_xticks((-2, -1, 0, 1, 2), labels=("1:4", "1:2", "1:1", "2:1", "4:1"))
    for ratio in (-1, 0, 1):
        axes.axvline(ratio, color=theme.grid, linewidth=0.8, zorder=0)


def _plot_positions(axes: Axes, boxes: np.ndarray, theme: Theme) -> None:
    cells = 18
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    heat, _, _ = np.histogram2d(centres[:, 0], centres[:, 1], bins=cells, range=((0, 1), (0, 1)))
    label_axes(axes, theme, title="Centres", explanation="where in the picture")
    colours = LinearSegmentedColormap.from_list("boxes", [theme.empty, theme.right])
    axes.imshow(
        np.sqrt(heat), cmap=colours, extent=(0, 100, 100, 0), aspect="auto", interpolation="bicubic", vmin=0
    )
    axes.set(xticks=(0, 50, 100), yticks=(0, 50, 100))
    for label in axes.set_yticklabels(("top", "", "bottom"), rotation=90)[::2]:
        label.set(verticalalignment=label.get_text())
    for label in axes.set_xticklabels(("left", "", "right"))[::2]:
        label.set(horizontalalignment=label.get_text())


def _counted(count: int, thing: str) -> str:
    """`1 800 pictures`, `1 box`."""
    plural = {"box": "boxes"}.get(thing, f"{thing}s")
    return f"{count:,} {thing if count == 1 else plural}".replace(",", "\u2009")
