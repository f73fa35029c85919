"""Figures are drawn for any number of names in any script, without touching Matplotlib's global state."""

import io

import numpy as np
import pytest
from PIL import Image

from visualization.colours import hex_colour
from visualization.figures import DARK, LIGHT, picture_of
from visualization.plots import (
    MOST_NAMES,
    Curve,
    plot_confusion,
    plot_errors,
    plot_precision_recall,
    plot_reliability,
    plot_training,
)

# Mathematics and markup for Matplotlib and HTML, a line break, nothing at all, more than fits.
NAMES = ["千反田える", "$\\frac{1}$", "<b>&amp;</b>", "two\nlines", "", "long " * 30]


def curve(name: str) -> Curve:
    recall = np.linspace(0.1, 0.8, 8)
    return Curve(name, recall, 1 - recall / 2, 0.5, (0.4, 0.8))


def pixels(figure, dots_per_inch: int = 60) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture_of(figure, dots_per_inch=dots_per_inch))).convert("RGB"))


@pytest.mark.parametrize("count", [1, 4, 6])
def test_one_panel_for_each_name(count):
    figure = plot_precision_recall([curve(name) for name in NAMES[:count]], columns=4)
    assert len(figure.axes) == count
    assert figure.axes[0].get_title(loc="left") == "千反田える"
    assert figure.axes[0].get_title(loc="right") == "50.0 %"
    assert pixels(figure).std() > 5


def test_curve_is_monotone_and_without_points_an_empty_panel():
    figure = plot_precision_recall([Curve("a", np.empty(0), np.empty(0), 0.0)])
    assert not figure.axes[0].lines
    assert pixels(figure).std() > 1
    # else the best precision at this recall or beyond
    figure = plot_precision_recall([Curve("a", np.array([0.5, 1.0]), np.array([0.2, 0.6]), 0.6)])
    line = figure.axes[0].lines[0]
    assert line.get_color() == hex_colour("a")
    x, y = line.get_data()
    assert np.asarray(x).tolist() == [0, 0.5, 1, 1]
    assert np.asarray(y).tolist() == [0.6, 0.6, 0.6, 0]


def test_confusion_shows_every_count_that_is_not_zero():
    counts = np.array([[7, 1, 0], [0, 12345, 2], [3, 0, 0]])
    figure = plot_confusion(["千反田える", "$x$"], counts, theme=DARK)
    axes = figure.axes[0]
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "7", (1, 0): "1", (1, 1): "12k", (2, 1): "2", (0, 2): "3"}
    assert [t.get_text() for t in axes.get_xticklabels()] == ["千反田える", "$x$", "missed"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["千反田える", "$x$", "nothing there"]
    assert pixels(figure).std() > 5


def test_of_many_names_those_are_shown_that_need_it_most():
    counts = 9 * np.eye(401, dtype=int)
    counts[7, 300] = counts[400, 12] = counts[30, 400] = 5  # a mix-up, somebody who is nobody, and one missed
    figure = plot_confusion(names := [f"name {i}" for i in range(400)], counts)
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert (len(shown), {"name 7", "name 300", "name 12", "name 30"} <= set(shown)) == (MOST_NAMES + 1, True)
    assert shown[:-1] == sorted(shown[:-1], key=names.index)
    assert figure.texts[0].get_text() == "24 of 400 names: those with the most mistakes."
    assert max(figure.get_size_inches()) < 16
    curves = [Curve(name, np.empty(0), np.empty(0), abs(i - 200) / 400) for i, name in enumerate(names)]
    figure = plot_precision_recall(curves, columns=2)
    assert {axes.get_title(loc="left") for axes in figure.axes} == {f"name {i}" for i in range(188, 212)}
    assert figure.texts[0].get_text() == "24 of 400 names: those with the lowest average precision."
    assert max(figure.get_size_inches()) < 30


@pytest.mark.parametrize("names", [NAMES, [f"name {i}" for i in range(25)], ["a"]])
def test_confusion_of_any_names(names):
    figure = plot_confusion(names, np.ones((len(names) + 1, len(names) + 1), int))
    assert min(pixels(figure).shape[:2]) > 80
    (axes,) = figure.axes
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        inside = label.get_window_extent()
        assert inside.x0 >= 0
        assert inside.y1 <= figure.bbox.height, "a heading is cut"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="no name has objects"):
        plot_precision_recall([])
    with pytest.raises(ValueError, match=r"1 names need counts of shape \(2, 2\)"):
        plot_confusion(["a"], np.zeros((1, 1)))


def test_same_figure_same_bytes():
    first, second = (picture_of(plot_precision_recall([curve("千反田える")])) for _ in range(2))
    assert first == second
    assert b"Software" not in first


def test_training_panels_stand_beside_or_below_each_other():
    steps, losses = [10, 20, 30], {"loss": [3.0, 2.0, 1.0], "boxes": [1.0, 0.5, 0.2]}
    precision, rates = [0.1, float("nan"), 0.3], [1e-3] * 3
    wide = pixels(plot_training(steps, losses, precision, rates, best_step=30)).shape
    narrow = pixels(plot_training(steps, losses, precision, rates, columns=1, theme=DARK)).shape
    assert wide[1] > 2 * wide[0]
    assert narrow[0] > narrow[1]
    unmeasured = plot_training(steps, losses, [], rates)  # there is no validation set
    assert [axes.get_title(loc="left") for axes in unmeasured.axes] == ["loss", "learning rate"]
    pixels(unmeasured)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_mistakes_and_reliability(theme):
    pixels(plot_errors(["missed", "bad box"], [0, 0], theme=theme))
    figure = plot_errors(["missed", "bad box"], [7, 3], theme=theme)
    assert [text.get_text() for text in figure.axes[0].texts] == ["7", "3"]
    figure = plot_reliability(np.arange(3) / 2, np.array([0.5, np.nan]), np.array([4, 0]), theme=theme)
    assert [text.get_text() for text in figure.axes[0].texts] == ["4", ""]
    pixels(figure)
