import numpy as np

from boxes.detections import Detections
from tests.engine.by_hand import detected as seen
from video.reader import CutFinder
from video.tracking import Tracker, keep_threshold

LEFT, RIGHT = (0.2, 0.1, 0.6, 0.4), (0.2, 0.6, 0.6, 0.9)


def follow(frames: list[Detections], cuts: tuple[int, ...] = ()) -> list[Detections]:
    tracker = Tracker(25)
    given = [one for i, frame in enumerate(frames) for one in tracker.push(frame, cut=i in cuts)]
    given += tracker.flush()
    assert len(given) == len(frames)
    return given


def names(given: list[Detections]) -> list[tuple[str, ...]]:
    return [one.names for one in given]


def test_a_noisy_detector_gets_steady_names(rng):
    """A tenth of the frames misses a face, a fifth calls it by a wrong name, and ghosts come and go."""
    frames, noisy = [], 0
    for i in range(250):
        found = []
        for name, box in (("千反田", LEFT), ("折木", RIGHT)):
            moved = np.array(box) + 0.0008 * i * np.array([0, 1, 0, 1]) * (-1 if box == RIGHT else 0.5)
            if rng.random() < 0.9:
                wrong = rng.random() < 0.2
                found.append(("福部" if wrong else name, rng.uniform(0.4, 0.99), tuple(moved)))
        if rng.random() < 0.1:
            corner = rng.uniform(0, 0.05)
            found.append(("伊原", rng.uniform(0.5, 0.9), (0.8, corner, 0.9, corner + 0.1)))
        frames.append(seen(*found))
        noisy += set(frames[-1].names) != {"千反田", "折木"}
    given = follow(frames)
    assert noisy > 80
    wrong = [(i, one) for i, one in enumerate(names(given)) if set(one) != {"千反田", "折木"}]
    assert len(wrong) < noisy / 4, wrong
    assert sum(not {"千反田", "折木"} <= set(one) for one in names(given)) <= 4, wrong
    assert all(one.scores.tolist() == sorted(one.scores.tolist(), reverse=True) for one in given)


def test_gaps_are_bridged_where_the_face_must_have_been_and_who_goes_is_gone():
    moving = [seen(("a", 0.9, (0.2, 0.01 * i, 0.5, 0.3 + 0.01 * i))) for i in range(20)]
    given = follow([seen() if i in (7, 8, 9) else one for i, one in enumerate(moving)])
    assert names(given) == [("a",)] * 20
    for one, true in zip(given, moving, strict=True):
        np.testing.assert_allclose(one.boxes, true.boxes, atol=1e-6)
    given = follow([seen(("a", 0.9, LEFT))] * 10 + [seen()] * 30 + [seen(("b", 0.9, LEFT))] * 10)
    assert names(given) == [("a",)] * 10 + [()] * 30 + [("b",)] * 10


def test_a_moment_is_no_appearance_unless_the_scene_is_that_short_and_a_cut_ends_all():
    ghost = [seen(), seen(("a", 0.9, LEFT)), seen(("a", 0.9, LEFT)), *[seen()] * 20]
    assert names(follow(ghost)) == [()] * 23
    short = [seen(("a", 0.9, LEFT))] * 2 + [seen(("b", 0.9, RIGHT))] * 5
    assert names(follow(short, cuts=(2,))) == [("a",)] * 2 + [("b",)] * 5
    frames = [seen(("a", 0.9, LEFT))] * 30 + [seen(("b", 0.9, LEFT))] * 5
    assert names(follow(frames, cuts=(30,)))[-5:] == [("b",)] * 5
    assert names(follow(frames))[-5:] == [("a",)] * 5  # without a cut these are five mistakes


def test_another_name_wins_when_it_is_said_long_enough():
    given = follow([seen(("a", 0.9, LEFT))] * 30 + [seen(("b", 0.9, LEFT))] * 100)
    changes = [i for i in range(1, 130) if names(given)[i] != names(given)[i - 1]]
    assert len(changes) == 1
    assert names(given)[-1] == ("b",)


def test_scores_below_the_threshold_continue_a_face_but_are_not_shown():
    weak = [seen(("a", 0.3, RIGHT))] * 20
    assert names(follow(weak)) == [()] * 20
    given = follow([seen(("a", 0.9, LEFT))] * 5 + [seen(("a", 0.4, LEFT))] * 2 + [seen(("a", 0.9, LEFT))] * 5)
    assert names(given) == [("a",)] * 12
    assert min(float(one.scores[0]) for one in given) >= 0.5
    assert [keep_threshold(threshold) for threshold in (0.5, 0.9, 0.2, 0.0)] == [0.25, 0.25, 0.1, 0.0]


def test_cuts_are_found_and_pans_are_none(rng):
    wide = np.kron(rng.integers(0, 256, (6, 40, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    other = np.kron(rng.integers(0, 256, (6, 16, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    finder = CutFinder()
    assert not any(finder.is_cut(wide[:, 4 * i : 4 * i + 320]) for i in range(50))
    assert finder.is_cut(other)
    assert not finder.is_cut(other)
