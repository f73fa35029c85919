"""Puts alike things together: Ward's clustering.

Of the usual methods it put most faces with faces of the same character (average linkage and HDBSCAN left
half of them alone or threw characters together; benchmarks/face_clusters.py).
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import DisjointSet, linkage

# The distances take 8 bytes for each pair: 256 MB.
MOST_POINTS = 8000


def ward_clusters(points: np.ndarray, count: int) -> np.ndarray:
    """Joins again and again those two groups whose joining adds least to the variance inside groups.

    Args:
        points: [N, D].
        count: of groups that remain, 1...N.

    Returns:
        int [N], the number of each point's group; 0 is the largest group, then 1 ...

    Raises:
        ValueError: no such number of groups, or more than `MOST_POINTS` points.
    """
    total = len(points)
    if not 1 <= count <= total:
        raise ValueError(f"{total} points cannot make {count} groups; ask for 1 to {total}")
    if total > MOST_POINTS:
        raise ValueError(f"{total} points are too many at once, at most {MOST_POINTS}; do it in portions")
    # The k-th join makes group total + k. Not fcluster: it cuts by distance, and equal points have none.
    groups = DisjointSet(range(2 * total - count))
    joins = linkage(points, "ward")[: total - count, :2] if total > 1 else np.zeros((0, 2))
    for joined, (a, b) in enumerate(joins.astype(int).tolist(), start=total):
        groups.merge(a, joined)
        groups.merge(b, joined)
    _, numbers, sizes = np.unique(
        [groups[point] for point in range(total)], return_inverse=True, return_counts=True
    )
    rank = np.empty(len(sizes), int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[numbers]
