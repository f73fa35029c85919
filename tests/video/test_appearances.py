import numpy as np

from tests.visualization.test_plots import pixels
from video.appearances import Appearance, find_appearances, plot_timeline, write_appearances
from visualization.colours import name_colour


def entries(*frames: dict[str, float], rate: float = 10.0) -> list[dict]:
    return [
        {"time": i / rate, "detections": [{"name": name, "score": score} for name, score in frame.items()]}
        for i, frame in enumerate(frames)
    ]


def test_spans_join_over_short_pauses_only():
    found = entries(*[{"a": 0.6}] * 5, *[{}] * 5, {"a": 0.9, "b": 0.7}, *[{}] * 12, {"a": 0.8})
    assert find_appearances(found, 2.4) == [
        Appearance("a", 0.0, 1.1, 6, 0.9),
        Appearance("b", 1.0, 1.1, 1, 0.7),
        Appearance("a", 2.3, 2.4, 1, 0.8),
    ]
    assert len(find_appearances(found, 2.4, pause=0.3)) == 4


def test_a_long_frame_shows_its_names_as_long_as_it_stands():
    found = entries({"a": 0.9}, {"a": 0.8}, rate=0.2)
    assert find_appearances(found, 6.0) == [Appearance("a", 0.0, 6.0, 2, 0.9)]


def test_nothing_found_is_no_appearance(tmp_path):
    assert find_appearances([], 0.0) == find_appearances(entries({}, {}), 0.2) == []
    write_appearances(tmp_path / "table.csv", [])
    assert (tmp_path / "table.csv").read_text() == "name,start,end,frames,best_score\n"


def seen(name: str, start: float, end: float) -> Appearance:
    return Appearance(name, start, end, 1, 0.9)


def covered(image: np.ndarray, name: str) -> float:
    """Share of the picture's width in which a name's colour is seen."""
    return float((image == name_colour(name)).all(-1).any(0).mean())


def test_bars_are_as_long_as_appearances():
    spans = [seen("千反田える", 0, 30), seen("Tobi", 30, 45), seen("千反田える", 60, 90)]
    image = pixels(plot_timeline(spans, 120.0, title="折木 $1.mp4"), 120)
    assert 3.8 < covered(image, "千反田える") / covered(image, "Tobi") < 4.2
    rows = [np.flatnonzero((image == name_colour(name)).all(-1).any(1))[0] for name in ("千反田える", "Tobi")]
    assert rows == sorted(rows)


def test_an_appearance_of_one_frame_in_a_long_film_is_seen():
    assert covered(pixels(plot_timeline([seen("a", 100.0, 100.04)], 7200.0, title="film"), 120), "a") > 0


def test_nobody_and_very_many_people_are_drawn():
    nobody = pixels(plot_timeline([], 0.0, title=""), 120)
    crowd = pixels(plot_timeline([seen(f"n{i}", 0.0, 1.0 + i) for i in range(60)], 90.0, title="crowd"), 120)
    assert crowd.shape[0] > 3 * nobody.shape[0]
    assert covered(crowd, "n59") > 0
    assert covered(crowd, "n0") == 0  # beyond the thirty that are seen longest
