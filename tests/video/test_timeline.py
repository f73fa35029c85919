import io

import numpy as np
from PIL import Image

from video.timeline import plot_timeline
from visualization.colours import name_colour
from visualization.figures import picture_of


def pixels(figure) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture_of(figure, dots_per_inch=120))).convert("RGB"))


def covered(image: np.ndarray, name: str) -> float:
    """Share of the picture's width in which a name's colour is seen."""
    return float((image == name_colour(name)).all(-1).any(0).mean())


def test_bars_are_as_long_as_appearances():
    spans = {"千反田える": [(0.0, 30.0), (60.0, 90.0)], "Tobi": [(30.0, 45.0)]}
    image = pixels(plot_timeline(spans, 120.0, title="折木 $1.mp4"))
    assert 3.8 < covered(image, "千反田える") / covered(image, "Tobi") < 4.2
    rows = [np.flatnonzero((image == name_colour(name)).all(-1).any(1))[0] for name in spans]
    assert rows == sorted(rows)


def test_an_appearance_of_one_frame_in_a_long_film_is_seen():
    assert covered(pixels(plot_timeline({"a": [(100.0, 100.04)]}, 7200.0, title="film")), "a") > 0


def test_nobody_and_very_many_people_are_drawn():
    nobody = pixels(plot_timeline({}, 0.0, title=""))
    crowd = pixels(plot_timeline({f"n{i}": [(0.0, 1.0 + i)] for i in range(60)}, 90.0, title="crowd"))
    assert crowd.shape[0] > 3 * nobody.shape[0]
    assert covered(crowd, "n59") > 0
    assert covered(crowd, "n0") == 0  # beyond the thirty that are seen longest
