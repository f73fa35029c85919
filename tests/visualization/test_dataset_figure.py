import numpy as np
import pytest

from tests.visualization.test_plots import pixels
from visualization.dataset_figure import plot_dataset
from visualization.figures import DARK, LIGHT


def boxes_of(rng: np.random.Generator, count: int) -> np.ndarray:
    centres, halves = rng.uniform(0.3, 0.7, (count, 2)), rng.uniform(0.02, 0.3, (count, 2))
    return np.concatenate([centres - halves, centres + halves], axis=1).astype(np.float32)


def texts_of(figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))}


def test_says_the_numbers(rng):
    boxes, best = boxes_of(rng, 60), np.linspace(0.3, 0.9, 60)
    counts = {"train": {"千反田": 40, "Mira": 10}, "test": {"千反田": 10}}
    figure = plot_dataset(counts, {"train": 1, "test": 2000}, boxes, best, network_name="ssd_300_lite")
    assert {
        *("2\u2009001 pictures, 60 boxes, 2 names", "train  (1 picture)", "test  (2\u2009000 pictures)"),
        *("千反田", "Mira", "50", "an anchor of ssd_300_lite fits, IoU ≥ 0.5: 66.7%", "none does"),
    } <= texts_of(figure)
    pixels(figure)  # a character without glyph would warn, and warnings are errors


def test_bars_of_sizes_add_up(rng):
    boxes = boxes_of(rng, 100)
    best = rng.uniform(0, 1, 100)
    figure = plot_dataset({"train": {"a": 100}}, {"train": 9}, boxes, best)
    axes = next(one for one in figure.axes if one.get_title(loc="left") == "Size")
    fits, fails = (sum(bar.get_height() for bar in bars) for bars in axes.containers)
    assert (fits, fails) == ((best >= 0.5).sum(), (best < 0.5).sum())


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("count", [0, 1])
def test_draws_almost_nothing(count, theme):
    boxes = np.array([[0, 0, 1, 1]] * count, np.float32).reshape(-1, 4)
    counts = {"train": {"a": count} if count else {}}
    figure = plot_dataset(counts, {"train": 1}, boxes, np.ones(count), theme=theme)
    assert pixels(figure, 50).shape[1] == 600


def test_many_names_end_in_a_sum(rng):
    counts = {"train": {f"name {number} that is very long indeed": number + 1 for number in range(60)}}
    figure = plot_dataset(counts, {"train": 60}, boxes_of(rng, 5))
    assert "and 36 more names with 666 boxes" in texts_of(figure)
    assert figure.get_figheight() < 15
