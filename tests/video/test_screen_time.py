from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from video.screen_time import Seen, read_seen, tracks_of, write_seen

LEFT, RIGHT, BETWEEN = (0.1, 0.1, 0.3, 0.3), (0.1, 0.6, 0.3, 0.8), (0.1, 0.22, 0.3, 0.42)


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


def test_heads_are_followed_within_a_shot_and_over_a_missing_one() -> None:
    pictures = np.array([0, 0, 1, 1, 3, 4, 7])
    where = boxes(LEFT, RIGHT, RIGHT, LEFT, LEFT, LEFT, LEFT)
    names = np.array(["a", "b", "b", "a", "c", "a", "a"])
    shots = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    # Picture 2 has no head; with 4 a shot begins; 5 and 6 without one are too many.
    assert tracks_of(shots, pictures, where, names).tolist() == [0, 1, 1, 0, 0, 2, 3]


def test_the_same_name_holds_what_overlaps_little_and_the_best_pair_comes_first() -> None:
    shots, pictures = np.zeros(2, int), np.array([0, 1])
    barely = boxes(LEFT, (0.1, 0.24, 0.3, 0.44))  # overlap 0.18
    assert tracks_of(shots, pictures, barely, np.array(["a", "a"])).tolist() == [0, 0]
    assert tracks_of(shots, pictures, barely, np.array(["a", "b"])).tolist() == [0, 1]
    apart = boxes(LEFT, RIGHT)
    assert tracks_of(shots, pictures, apart, np.array(["a", "a"])).tolist() == [0, 1]
    two = boxes(LEFT, BETWEEN, BETWEEN)
    names = np.array(["a", "a", "a"])
    assert tracks_of(shots, np.array([0, 0, 1]), two, names).tolist() == [0, 1, 1]
    assert tracks_of(shots, np.zeros(0, int), boxes(), np.zeros(0, str)).tolist() == []


def test_who_is_seen_in_a_third_of_a_shot_is_there_all_the_time() -> None:
    assert shown(seen(), ["あ", "b", ""]) == [{"あ", "b"}, {"あ", "b"}, {"あ", "b"}, set()]
    long = seen(times=np.arange(8.0), shots=np.array([0, 0, 0, 1, 0, 0, 0, 0]))
    assert shown(long, ["あ", "b", "c"])[:4] == [{"あ"}, {"あ", "b"}, set(), {"c"}]
    entry = seen().entries(["あ", "", ""])[2]
    assert entry == {"time": 2.0, "detections": [{"name": "あ", "score": pytest.approx(0.9)}]}


def test_a_track_is_what_most_is_said_for() -> None:
    said, best, evidence = seen(names=np.array(["b", "あ", "b", "あ"])).of_tracks()
    assert said == ["あ", "b", "あ"]
    assert best == pytest.approx([0.9, 0.8, 0.3])
    assert evidence == pytest.approx([(0.5 * 4 + 0.9 * 8) / 1.4, 5, 1])
    found = seen().shown_at(1, ["あ", "b", "c"])
    assert found.names == ("あ", "b")
    assert found.boxes == pytest.approx(boxes(LEFT, RIGHT))
    assert seen().shown_at(1, ["", "b", ""]).names == ("b",)
    assert len(seen().shown_at(2, ["あ", "b", "c"])) == 0


def test_what_was_seen_is_kept_for_this_film_and_this_detector_only(tmp_path: Path) -> None:
    path = tmp_path / "films" / "a.npz"
    assert read_seen(path, "a film") is None
    write_seen(path, seen())
    again = read_seen(path, "a film")
    assert again is not None
    assert again.entries(["あ", "b", "c"]) == seen().entries(["あ", "b", "c"])
    assert read_seen(path, "another film") is None
    for wrong in (
        {"tracks": np.array([0, 0, 1, 9])}, {"pictures": np.array([0, 1, 1, 4])}, {"length": -1.0},
        {"names": np.array(["あ"])}, {"scores": np.array([0.5, np.nan, 0, 0])}, {"shots": np.array([0])},
    ):  # fmt: skip
        write_seen(path, seen(**wrong))
        assert read_seen(path, "a film") is None, wrong
    path.write_bytes(b"PK\3\4 no zip")
    assert read_seen(path, "a film") is None
