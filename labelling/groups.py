"""Heads that belong together: one person's in pictures that follow one another, and alike ones of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from boxes.geometry import best_pairs, iou

MOST = 6000  # tracks that are compared with one another at once: 1 GB
_AT_ONCE = 500  # tracks that are compared with all groups
# Overlap and likeness from which on two heads are one track: in a drawn film of 5 minutes no track held two
# people with 0.1 to 0.3 and 0.4 to 0.7, and 219 to 235 tracks came out.
_SAME_PLACE, _SAME_FACE = 0.3, 0.5
# Likeness of two groups, on the average of their pairs, down to which they become one. Keys and minutes of a
# drawn film of 24 minutes on the page, of 0.4, 0.5, 0.6: 276, 256, 254, and 50.1, 49.9, 50.6.
_ALIKE = 0.5


def tracks_of(
    pictures: Sequence[int], follows: Sequence[bool], boxes: np.ndarray, vectors: np.ndarray
) -> np.ndarray:
    """Which heads are one person's in pictures that follow one another.

    Args:
        pictures: the picture of each of N heads, in rising order.
        follows: of each picture whether it goes on with the film of the one before it.
        boxes: [N, 4] corners.
        vectors: [N, E] of length 1, of `nets.likeness`.

    Returns:
        int [N], the number of each one's track, counted from 0 as they begin.
    """
    tracks = np.arange(len(pictures))
    of = np.asarray(pictures, int)
    for picture in np.flatnonzero(follows):
        before, now = (np.flatnonzero(of == one) for one in (picture - 1, picture))
        if not len(before) or not len(now):
            continue
        place = np.asarray(iou(boxes[before], boxes[now]))
        face = vectors[before] @ vectors[now].T
        score = np.where((place >= _SAME_PLACE) & (face >= _SAME_FACE), place + face, 0.0)
        for first, second in best_pairs(score):
            tracks[now[second]] = tracks[before[first]]
    return np.unique(tracks, return_inverse=True)[1]


def groups_of(tracks: np.ndarray, pictures: Sequence[int], vectors: np.ndarray) -> np.ndarray:
    """Which tracks look like one person: average linkage, and two in one picture count as unlike.

    Of more than MOST tracks the longest are compared with one another; of the others each that is alike joins
    the group that it is most like, and what is left then is grouped in the same way.

    Args:
        tracks: int [N], of `tracks_of`.
        pictures: the picture of each head.
        vectors: [N, E] of length 1.

    Returns:
        int [N], the number of each head's group, the one with the most heads first.
    """
    numbers, tracks = np.unique(tracks, return_inverse=True)
    means = np.zeros((len(numbers), vectors.shape[1]))
    np.add.at(means, tracks, vectors)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    shown: list[set[int]] = [set() for _ in numbers]
    for track, picture in zip(tracks.tolist(), pictures, strict=True):
        shown[track].add(picture)
    groups = np.full(len(numbers), -1)
    left = np.argsort(-np.bincount(tracks), kind="stable")
    while len(left):
        some = np.sort(left[:MOST])
        groups[some] = groups.max() + 1 + _clusters(means[some], [shown[track] for track in some])
        for track, group in _joining(left[MOST:], means, shown, groups):
            groups[track] = group
        left = left[groups[left] < 0]
    _, of_head, sizes = np.unique(groups[tracks], return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-sizes, kind="stable"))[of_head]


def _clusters(means: np.ndarray, shown: Sequence[set[int]]) -> np.ndarray:
    """The number of each track's cluster, by what they look like, [n, E], and where they are seen."""
    from scipy.sparse import csr_array
    from sklearn.cluster import AgglomerativeClustering  # slow to import

    if len(means) < 2:
        return np.zeros(len(means), int)
    places = [(track, picture) for track, some in enumerate(shown) for picture in some]
    seen = csr_array((np.ones(len(places), np.float32), tuple(zip(*places, strict=True))))
    far = 1 - means @ means.T
    far[(seen @ seen.T).nonzero()] = 2.0
    np.fill_diagonal(far, 0.0)
    clusters = AgglomerativeClustering(
        None, metric="precomputed", linkage="average", distance_threshold=1 - _ALIKE
    )
    return clusters.fit_predict(far)


def _joining(
    left: np.ndarray, means: np.ndarray, shown: Sequence[set[int]], groups: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Of the tracks that are left those which are like a group, on the average of its tracks, and which."""
    members = np.flatnonzero(groups >= 0)
    centres = np.zeros((groups.max() + 1, means.shape[1]))
    np.add.at(centres, groups[members], means[members])
    centres /= np.bincount(groups[members])[:, None]
    taken: list[set[int]] = [set() for _ in centres]
    for track, group in zip(members.tolist(), groups[members].tolist(), strict=True):
        taken[group] |= shown[track]
    for some in np.split(left, range(_AT_ONCE, len(left), _AT_ONCE)):
        cosines = means[some] @ centres.T
        alike = cosines.max(axis=1) >= _ALIKE
        best = cosines[alike].argmax(axis=1)
        for track, group in zip(some[alike].tolist(), best.tolist(), strict=True):
            if not taken[group] & shown[track]:
                taken[group] |= shown[track]
                yield track, group
