"""What a detector does wrong: which name it takes for which, and the kinds of its mistakes.

The kinds are those of Bolya et al. 2020, "TIDE: A General Toolbox for Identifying Object Detection Errors".
Every wrong detection and every object that was not found has one.
"""

from dataclasses import dataclass

import numpy as np

from engine.average_precision import Matches, nearest

KINDS = ("missed", "wrong name", "bad box", "wrong name and bad box", "duplicate", "background")

# Overlap up to which a detection has nothing to do with an object: TIDE's t_b.
BACKGROUND_IOU = 0.1


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of what was marked (rows) against what was detected (columns), the last of both background.

    Row K holds detections of nothing, column K objects that were missed; `counts[K, K]` is 0.
    """

    names: tuple[str, ...]  # K
    counts: np.ndarray  # int64 [K + 1, K + 1]


def confusion_matrix(matches: Matches, reported: np.ndarray) -> Confusion:
    """Pairs detections with objects whatever their names, and counts the pairs.

    Best score first, each detection takes the object it overlaps most among those that are still free and
    that it overlaps enough; a difficult one, which any number can take, only where it finds no other. What is
    left over was missed or is background; difficult objects and detections of them are not counted. Those
    that are `reported`, bool [D], take part.
    """
    partner, taken = np.full(len(matches.name), -1), np.zeros(len(matches.difficult), bool)
    enough = matches.overlap >= matches.iou_threshold
    pairs, overlap = matches.pairs[enough], matches.overlap[enough]
    detection, marked = pairs.T
    order = np.lexsort((marked, -overlap, matches.difficult[marked], detection))
    for i, j in pairs[order].tolist():
        if reported[i] and partner[i] < 0 and (matches.difficult[j] or not taken[j]):
            partner[i], taken[j] = j, True
    background = len(matches.names)
    counts = np.zeros((background + 1, background + 1), np.int64)
    counted = reported & ~np.append(matches.difficult, False)[partner]
    rows = np.append(matches.object_name, background)[partner]
    np.add.at(counts, (rows[counted], matches.name[counted]), 1)
    missed = matches.object_name[~taken & ~matches.difficult]
    counts[:, background] += np.bincount(missed, minlength=background + 1)
    return Confusion(matches.names, counts)


def count_errors(matches: Matches, reported: np.ndarray) -> dict[str, int]:
    """Mistakes by kind, among the detections that are `reported`, bool [D], and objects missed by them."""
    kind, meant = kinds_of(matches)
    counts = {one: int(np.sum(reported & (kind == one))) for one in KINDS}
    unmeant = ~np.isin(np.arange(len(matches.difficult)), meant[reported])  # bool [G], of objects
    counts["missed"] = int((matches.missed_by(reported) & unmeant).sum())
    return counts


def kinds_of(matches: Matches) -> tuple[np.ndarray, np.ndarray]:
    """The kind of each detection's mistake, "" where it is none; the object that it meant, -1 for none.

    A detection with a bad box or of the wrong name meant an object. Both are [D]; tests in the order of
    TIDE's own program (tidecv/quantify.py).
    """
    detection, marked = matches.pairs.T
    same = matches.name[detection] == matches.object_name[marked]
    (near, own), (near_other, other) = (
        nearest(matches.pairs[kind], matches.overlap[kind], len(matches.name)) for kind in (same, ~same)
    )
    tests = {
        "": ~matches.wrong,
        "bad box": (own >= BACKGROUND_IOU) & (own < matches.iou_threshold),
        "wrong name": other >= matches.iou_threshold,
        "duplicate": own >= matches.iou_threshold,
        "background": np.maximum(own, other) <= BACKGROUND_IOU,
    }
    kind = np.select(list(tests.values()), list(tests), "wrong name and bad box")
    return kind, np.select([kind == "bad box", kind == "wrong name"], [near, near_other], -1)
