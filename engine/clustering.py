"""Puts alike things together: Ward's clustering.

Of the usual methods it put most faces with faces of the same character (average linkage and HDBSCAN left
half of them alone or threw characters together; benchmarks/face_clusters.py). SciPy and scikit-learn have it,
but would be 100 MB more to install for these lines, which the tests compare with SciPy's.
"""

from __future__ import annotations

import numpy as np

# The matrix of distances takes 4 bytes for each pair: 256 MB.
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
    joins = sorted(_joins(np.asarray(points, np.float32)), key=lambda join: join[2])  # stable
    parent = list(range(total))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b, _ in joins[: total - count]:
        parent[root(a)] = root(b)
    roots = np.array([root(i) for i in range(total)])
    _, groups, sizes = np.unique(roots, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[groups]


def _joins(points: np.ndarray) -> list[tuple[int, int, float]]:
    """All N - 1 joins, as (a point of one group, a point of the other, cost), by nearest-neighbour chains.

    Two groups that are each other's nearest can be joined at once, whatever else is to be joined
    (Murtagh 1983); the distances to the new group follow from the old ones (Lance and Williams 1967).
    """
    total = len(points)
    squares = (points**2).sum(axis=1)
    distance = np.maximum(squares[:, None] + squares[None, :] - 2 * points @ points.T, 0)  # [N, N]
    np.fill_diagonal(distance, np.inf)
    size = np.ones(total, np.float32)
    alive = np.ones(total, bool)
    chain: list[int] = []
    joins = []
    while len(joins) < total - 1:
        if not chain:
            chain.append(int(np.argmax(alive)))
        last = chain[-1]
        nearest = int(np.argmin(distance[last]))
        if len(chain) > 1 and distance[last, chain[-2]] <= distance[last, nearest]:
            nearest = chain[-2]  # of equally near ones the one before, or the chain would not end
        if len(chain) == 1 or nearest != chain[-2]:
            chain.append(nearest)
            continue
        del chain[-2:]
        a, b = last, nearest
        cost = distance[a, b]
        joins.append((a, b, float(cost)))
        merged = ((size[a] + size) * distance[a] + (size[b] + size) * distance[b] - size * cost) / (
            size[a] + size[b] + size
        )
        merged[~alive] = np.inf
        merged[[a, b]] = np.inf
        distance[b, :] = distance[:, b] = merged
        distance[a, :] = distance[:, a] = np.inf
        alive[a] = False
        size[b] += size[a]
    return joins
