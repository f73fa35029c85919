"""A picture looked at from ten sides: whole and in four overlapping quarters, each mirrored too.

What most looks agree on is surer than what one sees, and heads that are too small for a network in the whole
picture are not in a quarter. What that brings: docs/heads.md.
"""

from collections.abc import Callable, Sequence

import numpy as np

from boxes.detections import Detections, ranked
from boxes.geometry import crop_around, iou
from nets.detector import HEADS, Detector
from nets.likeness import CUT, Likeness, head_of

# One `Detections` for each of some pictures, uint8 [H, W, 3] RGB.
Finder = Callable[[list[np.ndarray]], list[Detections]]

HEAD = "head"  # the one name of a finder of heads
LEAST = 0.02  # score of one look that still counts: others may be surer
_ASKED = 0.1  # score from which on heads get a second look; recall in 200 real frames was alike from 0.02 on
_SIDE = 4 / 7  # of a quarter: two neighbours share a quarter of theirs
_CORNERS = [(top, left) for top in (0, 1 - _SIDE) for left in (0, 1 - _SIDE)]
_WINDOWS = np.array([(0, 0, 1, 1), *((top, left, top + _SIDE, left + _SIDE) for top, left in _CORNERS)])
_SAME = 0.45  # overlap from which on two looks see the same head


def close_finder(detector: Detector, name: str = "") -> Finder:
    """Looks closely, a finder of heads once more at each; a `name` stands in place of all names."""
    likeness = Likeness.load(HEADS) if detector.labels == (HEAD,) else None

    def look(images: list[np.ndarray]) -> list[Detections]:
        found = detector.detect_batch(images, score_threshold=LEAST)
        return [one.renamed([name or said for said in one.names]) for one in found]

    def find(images: list[np.ndarray]) -> list[Detections]:
        found = look_closely(look, images)
        return [_again(likeness, *one) for one in zip(images, found, strict=True)] if likeness else found

    return find


def _again(likeness: Likeness, image: np.ndarray, found: Detections) -> Detections:
    """What a finder takes for heads in a picture, with scores after a second look at each."""
    asked, scores = found.above(_ASKED), found.scores.copy()  # the first of them
    rows = likeness.rows([head_of(image, box) for box in asked.boxes])
    scores[: len(asked)] = likeness.surer(asked, rows)
    return ranked(zip(scores, found.boxes, found.names, strict=True))


def look_closely(find: Finder, images: Sequence[np.ndarray]) -> list[Detections]:
    """What a finder sees from ten sides, one box and one name for each head.

    Args:
        find: gives each head one name, down to the score `LEAST`.
        images: uint8 [H, W, 3] RGB of any sizes.

    Returns:
        Boxes and scores that are means over the looks that show the whole head.
    """
    found: list[list[Detections]] = [[] for _ in images]
    for window in _WINDOWS:
        parts = [crop_around(image, window, 0)[0] for image in images]
        for mirrored in (False, True):
            some = [np.ascontiguousarray(part[:, ::-1]) for part in parts] if mirrored else parts
            for one, seen in zip(found, find(some), strict=True):
                one.append(_placed(_mirrored(seen) if mirrored else seen, window))
    return [_agreed(one) for one in found]


def _mirrored(seen: Detections) -> Detections:
    """Boxes of a mirrored picture in the picture, and the other way round."""
    top, left, bottom, right = seen.boxes.T
    return Detections(np.stack([top, 1 - right, bottom, 1 - left], 1), seen.scores, seen.names)


def _placed(seen: Detections, window: np.ndarray) -> Detections:
    """Boxes of a window in the picture, without those that a border of the window cuts off."""
    to_border = np.concatenate([seen.boxes[:, :2], 1 - seen.boxes[:, 2:]], 1)
    inside = np.concatenate([window[:2], 1 - window[2:]]) > 1e-6  # borders that are not the picture's
    whole = seen.where(np.where(inside, to_border, 1).min(1) >= CUT)
    corner, size = window[[0, 1, 0, 1]], np.tile(window[2:] - window[:2], 2)
    return Detections((whole.boxes * size + corner).astype(np.float32), whole.scores, whole.names)


def _agreed(looks: Sequence[Detections]) -> Detections:
    """Of boxes of one head their mean, weighted by score, under the name for which most is said."""
    boxes = np.concatenate([one.boxes for one in looks])
    scores = np.concatenate([one.scores for one in looks]).astype(np.float64)
    names = np.array([name for one in looks for name in one.names], object)
    same = iou(boxes, boxes) > _SAME
    free, agreed = np.ones(len(boxes), bool), []
    for best in np.argsort(-scores, kind="stable"):
        if not free[best]:
            continue
        group = np.flatnonzero(free & same[best] | (np.arange(len(boxes)) == best))
        free[group] = False
        said = {name: scores[group[names[group] == name]].sum() for name in names[group]}
        name = max(said, key=said.__getitem__)
        mean = (scores[group, None] * boxes[group]).sum(0) / scores[group].sum()
        around = (_WINDOWS[:, :2] <= mean[:2]) & (_WINDOWS[:, 2:] >= mean[2:])
        looks_at_it = 2 * max(1, np.count_nonzero(around.all(1)))  # mirrored, too
        agreed.append((min(1.0, said[name] / looks_at_it), mean, name))
    return ranked(agreed)
