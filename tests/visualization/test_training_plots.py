"""Figures of a training and of mistakes: drawn without complaint, in both themes, also of little."""

import numpy as np
import pytest
from PIL import Image

from visualization.error_plots import plot_errors, plot_reliability
from visualization.figures import DARK, LIGHT, picture_of
from visualization.training_plots import plot_training

STEPS = [10, 20, 30]
LOSSES = {"loss": [3.0, 2.0, 1.0], "boxes": [1.0, 0.5, 0.2]}


def size(figure, tmp_path) -> tuple[int, int]:
    (tmp_path / "a.png").write_bytes(picture_of(figure, dots_per_inch=50))
    with Image.open(tmp_path / "a.png") as picture:
        return picture.size


def test_panels_stand_beside_or_below_each_other(tmp_path):
    one = [0.1, float("nan"), 0.3]
    wide = size(plot_training(STEPS, LOSSES, one, [1e-3] * 3, best_step=30), tmp_path)
    narrow = size(plot_training(STEPS, LOSSES, one, [1e-3] * 3, columns=1, theme=DARK), tmp_path)
    assert wide[0] > 2 * wide[1]
    assert narrow[1] > narrow[0]


def test_without_validation_there_is_no_panel_for_it(tmp_path):
    figure = plot_training(STEPS, LOSSES, [], [1e-3] * 3)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "learning rate"]
    size(figure, tmp_path)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_mistakes_and_reliability(theme, tmp_path):
    size(plot_errors(["missed", "bad box"], [0.0, 0.0], [0, 3], theme=theme), tmp_path)
    figure = plot_errors(["missed", "bad box"], [0.12, 0.03], [7, 3], theme=theme)
    assert {"12.0  (7)", "3.0  (3)"} <= {text.get_text() for text in figure.axes[0].texts}
    shares = np.array([0.5, np.nan])
    figure = plot_reliability(np.array([0.1, 0.5, 1.0]), shares, np.array([4, 0]), theme=theme)
    assert [text.get_text() for text in figure.axes[0].texts] == ["4"]
    size(figure, tmp_path)
