import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from faces import clusters as clustering
from faces.clusters import ward_clusters


@pytest.mark.parametrize("count", [1, 2, 7, 40, 119, 120])
def test_groups_are_those_of_scipy(rng, count):
    points = rng.normal(size=(120, 6)) + 3 * rng.integers(0, 5, (120, 1))
    ours = ward_clusters(points, count)
    theirs = fcluster(linkage(points, "ward"), count, "maxclust")
    assert len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == len(set(ours.tolist())) == count


def test_the_largest_group_comes_first():
    points = np.array([[0.0], [0.1], [9.0], [0.2], [5.0], [5.1]])
    assert ward_clusters(points, 3).tolist() == [0, 0, 2, 0, 1, 1]


def test_equal_points_are_one_group():
    assert ward_clusters(np.zeros((5, 2)), 1).tolist() == [0] * 5
    assert sorted(ward_clusters(np.zeros((5, 2)), 5).tolist()) == [0, 1, 2, 3, 4]
    assert ward_clusters(np.repeat(np.eye(3), 4, axis=0), 3).tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_impossible_numbers_are_named(monkeypatch):
    with pytest.raises(ValueError, match="5 points cannot make 6 groups; ask for 1 to 5"):
        ward_clusters(np.zeros((5, 2)), 6)
    monkeypatch.setattr(clustering, "MOST_POINTS", 4)
    with pytest.raises(ValueError, match="5 points are too many at once, at most 4"):
        ward_clusters(np.zeros((5, 2)), 2)
