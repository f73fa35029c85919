import numpy as np
import pytest

from boxes.detections import Detections


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="2 names"):
        Detections(np.zeros((3, 4), np.float32), np.zeros(3, np.float32), ("a", "b"))


def test_one_threshold_or_one_for_each_and_what_goes_along():
    found = Detections(
        np.arange(12, dtype="f").reshape(3, 4), np.array([0.9, 0.6, 0.5], "f"), ("a", "b", "a"),
        np.array([1, 2, 3], "f"),
    )  # fmt: skip
    assert found.above(0.55).names == ("a", "b")
    kept = found.above(np.array([0.95, 0.5, 0.5], "f"))
    assert kept.names == ("b", "a")
    assert kept.boxes.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert np.asarray(kept.evidence).tolist() == [2, 3]
    assert kept.renamed(["x", "y"]).names == ("x", "y")
