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
