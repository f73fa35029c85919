"""Heads that belong together: one person's in pictures that follow one another, and alike ones of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from boxes.geometry import best_pairs, iou

MOST = 6000  # tracks that are compared with one another; others stay alone
# Overlap and likeness from which on two heads are one track: in the film below no track held two people with
# 0.1 to 0.3 and 0.4 to 0.7, and 219 to 235 tracks came out.
_SAME_PLACE, _SAME_FACE = 0.3, 0.5
# Likeness of two groups, on the average of their pairs, down to which they become one. Keys and clicks
# until all 427 heads of a drawn film of 5 minutes have names, of 0.25 to 0.6: 47, 37, 29, 31, 32, 40, 48, 53.
_ALIKE = 0.4


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
    """Which tracks look like one person: average linkage, and two in one picture are two people.

    Args:
        tracks: int [N], of `tracks_of`.
        pictures: the picture of each head.
        vectors: [N, E] of length 1.

    Returns:
        int [N], the number of each head's group, the one with the most heads first.
    """
    from sklearn.cluster import AgglomerativeClustering  # slow to import

    numbers, tracks = np.unique(tracks, return_inverse=True)
    count = len(numbers)
    if count < 2:
        return np.zeros(len(tracks), int)
    means = np.zeros((count, vectors.shape[1]))
    np.add.at(means, tracks, vectors)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    groups = np.arange(count)
    some = np.sort(np.argsort(-np.bincount(tracks), kind="stable")[:MOST])  # the longest
    far = 1 - means[some] @ means[some].T
    seen = np.zeros((count, max(pictures) + 1), bool)
    seen[tracks, pictures] = True
    far[(seen[some].astype(np.float32) @ seen[some].T.astype(np.float32)) > 0] = 2.0
    np.fill_diagonal(far, 0.0)
    clusters = AgglomerativeClustering(
        None, metric="precomputed", linkage="average", distance_threshold=1 - _ALIKE
    )
    groups[some] = count + clusters.fit_predict(far)
    _, of_head, sizes = np.unique(groups[tracks], return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-sizes, kind="stable"))[of_head]
