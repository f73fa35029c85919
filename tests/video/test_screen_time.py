from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import tables
from video.screen_time import Seen, read_seen, tracks_in_shots, write_seen

CASES, PLACES = tables(__file__)["tracks"], tables(__file__)["places"]
LEFT, RIGHT = PLACES["left"], PLACES["right"]


def boxes(*some: tuple[float, ...]) -> np.ndarray:
    return np.array(some, np.float32).reshape(-1, 4)


def seen(**changes: object) -> Seen:
    """Four pictures: a shot of three with あ twice and b once, and a shot of one with somebody like あ."""
    return replace(
        Seen(
            "a film", 3.5, np.array([90, 160]), np.arange(4.0), np.array([0, 0, 0, 1]),
            np.array([0, 1, 1, 3]), boxes(LEFT, LEFT, RIGHT, LEFT), np.array(["あ", "あ", "b", "あ"]),
            np.array([0.5, 0.9, 0.8, 0.3], np.float32), np.array([4.0, 8.0, 5.0, 1.0], np.float32),
            np.array([0, 0, 1, 2]), np.eye(3, dtype=np.float32),
        ), **changes,
    )  # fmt: skip


def shown(one: Seen, names: list[str]) -> list[set[str]]:
    return [{found["name"] for found in entry["detections"]} for entry in one.entries(names)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_heads_are_followed(case: dict[str, Any]) -> None:
    where = boxes(*(PLACES[place] for place in case["places"]))
    shots, pictures = np.array(case["shots"]), np.array(case["pictures"], int)
    assert tracks_in_shots(shots, pictures, where, np.array([*case["names"]])).tolist() == case["tracks"]


def test_who_is_seen_in_a_third_of_a_shot_is_there_all_the_time() -> None:
    assert shown(seen(), ["あ", "b", ""]) == [{"あ", "b"}, {"あ", "b"}, {"あ", "b"}, set()]
    long = seen(times=np.arange(8.0), shots=np.array([0, 0, 0, 1, 0, 0, 0, 0]))
    assert shown(long, ["あ", "b", "c"])[:4] == [{"あ"}, {"あ", "b"}, set(), {"c"}]
    assert seen().entries(["あ", "", ""])[2] == {
        "time": 2.0,
        "detections": [{"name": "あ", "score": pytest.approx(0.9)}],
    }


def test_a_track_is_what_most_is_said_for() -> None:
    said, best, evidence = seen(names=np.array(["b", "あ", "b", "あ"])).of_tracks()
    assert said == ["あ", "b", "あ"]
    assert best == pytest.approx([0.9, 0.8, 0.3])
    assert evidence == pytest.approx([(0.5 * 4 + 0.9 * 8) / 1.4, 5, 1])
    found = seen().shown_at(1, ["あ", "b", "c"])
    assert found.names == ("あ", "b")
    assert found.boxes == pytest.approx(boxes(LEFT, RIGHT))
    assert seen().shown_at(1, ["", "b", ""]).names == ("b",)


def test_what_was_seen_is_kept_for_this_film_and_this_detector_only(tmp_path: Path) -> None:
    path = tmp_path / "films" / "a.npz"
    assert read_seen(path, "a film") is None
    write_seen(path, seen())
    again = read_seen(path, "a film")
    assert again is not None
    assert again.entries(["あ", "b", "c"]) == seen().entries(["あ", "b", "c"])
    for wrong in (
        {"tracks": np.array([0, 0, 1, 9])}, {"pictures": np.array([0, 1, 1, 4])}, {"shots": np.array([0])},
        {"names": np.array(["あ"])}, {"scores": np.array([0.5, np.nan, 0, 0])}, {"length": -1}, {"made": "b"},
    ):  # fmt: skip
        write_seen(path, seen(**wrong))
        assert read_seen(path, "a film") is None, wrong
    path.write_bytes(b"PK\3\4 no zip")
    assert read_seen(path, "a film") is None
