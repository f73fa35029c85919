from video.appearances import Appearance, find_appearances, write_appearances


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
    found = [
        {"time": 0.0, "detections": [{"name": "a", "score": 0.9}]},
        {"time": 5.0, "detections": [{"name": "a", "score": 0.8}]},
    ]
    assert find_appearances(found, 6.0) == [Appearance("a", 0.0, 6.0, 2, 0.9)]


def test_nothing_found_is_no_appearance(tmp_path):
    assert find_appearances([], 0.0) == []
    assert find_appearances(entries({}, {}), 0.2) == []
    write_appearances(tmp_path / "table.csv", [])
    assert (tmp_path / "table.csv").read_text() == "name,start,end,frames,best_score\n"


def test_names_in_any_script_and_with_any_character(tmp_path):
    spans = [Appearance('千反田, "える"', 0.5, 1.25, 3, 0.98765), Appearance("a\nb", 1.0, 2.0, 1, 0.5)]
    write_appearances(tmp_path / "table.csv", spans)
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ['"千反田, ""える""",0.500,1.250,3,0.988', "a\ufffdb,1.000,2.000,1,0.500"]
