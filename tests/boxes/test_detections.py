import numpy as np
import pytest

from boxes.detections import Detections


def test_above_keeps_the_best():
    found = Detections(
        np.zeros((3, 4), np.float32), np.array([0.9, 0.5, 0.1], np.float32), ("千反田", "a", "b")
    )
    kept = found.above(0.5)
    assert len(kept) == 2
    assert kept.names == ("千反田", "a")
    assert kept.boxes.shape == (2, 4)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="2 names"):
        Detections(np.zeros((3, 4), np.float32), np.zeros(3, np.float32), ("a", "b"))


def test_a_threshold_for_each_and_what_goes_along():
    found = Detections(
        np.arange(12, dtype="f").reshape(3, 4), np.array([0.9, 0.6, 0.5], "f"), ("a", "b", "a"),
        np.array([1, 2, 3], "f"),
    )  # fmt: skip
    kept = found.above(np.array([0.95, 0.5, 0.5], "f"))
    assert kept.names == ("b", "a")
    assert kept.boxes.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert np.asarray(kept.evidence).tolist() == [2, 3]
    assert kept.renamed(["x", "y"]).names == ("x", "y")
