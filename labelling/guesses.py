"""What programs guess of a picture's heads: whose they are, which others there are, how they are drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from boxes.detections import Detections
from boxes.geometry import area, clip, decode, encode, from_pixels, intersection, iou
from datasets.pictures import UnusableFile, bytes_of
from labelling.example_heads import MOST, names_with
from labelling.marks import UNNAMED, Head, Picture

if TYPE_CHECKING:  # importing it would start Keras before its remarks can be held back
    from nets.likeness import Likeness, Names

_MAX_BYTES = 256_000_000  # of some million boxes
# Score from which on a detector's box is offered. 0.05, 0.1, 0.2: 482, 482, 488 keys for 585 real boxes.
_OFFERED = 0.1
_SAME, _INSIDE = 0.5, 0.8  # overlap, or a head's share inside a box, of one person's; not varied
_MOVED = (0.4, 0.99)  # overlaps, before and after, of a box that was moved


class Style:
    """How a person draws boxes, as codes relative to a finder's: their mean, and those of single tracks."""

    def __init__(self):
        self._mean, self._count = np.zeros(4), 1  # of moved boxes, and one that was right as it was
        self.of_track: dict[int, np.ndarray] = {}

    def learn(self, before: Sequence[Head], boxes: np.ndarray, after: Sequence[Head]) -> None:
        """Learns from a person's heads, which take over what is known of those `before` in `boxes` [N, 4]."""
        if not (before and after):
            return
        overlaps = np.asarray(iou(np.stack([one.box for one in after]), boxes))
        for head, overlap in zip(after, overlaps, strict=True):
            was = before[int(overlap.argmax())]
            if overlap.max() < _MOVED[0]:
                continue
            head.track, head.score = was.track, was.score
            if overlap.max() >= _MOVED[1]:
                head.vector = was.vector
            elif not _taught(was):
                code = np.asarray(encode(head.box[None], was.box[None]))[0]
                self.of_track[was.track] = code
                self._count += 1
                self._mean = self._mean + (code - self._mean) / self._count

    def boxes(self, heads: Sequence[Head]) -> np.ndarray:
        """Corners [N, 4] as that person moved them in a neighbouring picture, or as on average."""
        codes = [
            np.zeros(4) if _taught(head) else self.of_track.get(head.track, self._mean) for head in heads
        ]
        boxes = np.array([head.box for head in heads], np.float32).reshape(-1, 4)
        return np.asarray(clip(decode(np.array(codes, np.float32).reshape(-1, 4), boxes)))


def _taught(head: Head) -> bool:
    """Whether its box is of a detector that learnt to draw as the person does."""
    return bool(head.score or (head.name and not head.named))


def read_detections(path: Path) -> dict[str, Detections]:
    """What detections.json holds, by the name of the picture; boxes of less than a pixel are left out.

    UnusableFile where it cannot be read, or is another file.
    """
    try:
        entries = json.loads(bytes_of(path, _MAX_BYTES, "the file", UnusableFile))
        return {str(entry["image"]): _detections(entry) for entry in entries}
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise UnusableFile("this is no list of detections", repr(error)) from None


def _detections(entry: dict[str, Any]) -> Detections:
    rows = [(one["box"], one["score"], str(one["name"])) for one in entry["detections"]]
    height, width = int(entry["height"]), int(entry["width"])
    pixels = np.array([box for box, _, _ in rows], np.float64).reshape(-1, 4)
    inside = np.clip(pixels, 0, (width, height) * 2)
    scores = np.array([score for _, score, _ in rows], np.float32)
    if min(height, width) < 1 or np.isnan(inside).any() or not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a number out of range")
    boxes = from_pixels(inside, height, width).astype(np.float32)
    found = Detections(boxes, scores, tuple(name for _, _, name in rows))
    return found.where((inside[:, 2:] - inside[:, :2]).min(1, initial=np.inf) >= 1)


def with_offers(heads: Sequence[Head], found: Detections) -> list[Head]:
    """A picture's heads and what a detector sees there, which knows better than drafts made before it.

    A head that a person named takes the box that the detector has for that name, as it draws boxes like those
    that it learnt from.
    """
    named = [head for head in heads if head.named]
    others = [head for head in heads if not (head.named or head.score or head.name)]
    found = found.where((found.scores >= _OFFERED) & ~np.isin(found.names, [*UNNAMED]))
    if not len(found):
        return [*named, *others]

    def together(some: Sequence[Head]) -> tuple[np.ndarray, np.ndarray]:
        """Of each head and each of the detector's boxes: whether they overlap, or are of one person."""
        boxes = np.array([head.box for head in some], np.float32).reshape(-1, 4)
        near = np.asarray(iou(boxes, found.boxes)) >= _SAME
        inside = np.asarray(intersection(boxes, found.boxes)) >= _INSIDE * np.asarray(area(boxes))[:, None]
        return near, near | inside

    near, inside = together(named)
    gone = np.array(near.any(0))
    for head, mine in zip(named, inside, strict=True):
        mine = mine & (np.array(found.names) == head.name)
        if mine.any():
            head.box = found.boxes[int(mine.argmax())]  # the surest
            gone |= mine
    wanted = found.where(~gone)
    rows = zip(wanted.boxes, wanted.scores.tolist(), wanted.names, strict=True)
    offers = [Head(box, "", score=score, offer=name) for box, score, name in rows]
    covered = together(others)[1]
    left = [head for head, by in zip(others, covered, strict=True) if not by.any()]
    for head in left:
        head.passed_over = True
    return [*named, *offers, *left]


def known_names(pictures: Iterable[Picture], likeness: Likeness) -> Names | None:
    """Examples of every name that a person gave; None as long as it is one name."""
    given: dict[str, list[np.ndarray]] = {}
    for head in (head for one in pictures for head in one.heads):
        if head.named and head.vector is not None:
            given.setdefault(head.name, []).append(head.vector)
    if len(given) < 2:
        return None
    examples = {}
    for name, some in given.items():
        spread = np.stack(some[:: -(-len(some) // MOST)])
        examples[name] = spread, np.zeros((len(spread), 4))
    return names_with(None, examples, likeness)


def likely(
    heads: Sequence[Head], names: Names | None, likeness: Likeness, every: Callable[[], Sequence[str]]
) -> list[tuple[str, float]]:
    """Who some heads of one person may be, likeliest first; "" where it is nobody with a name."""
    from nets.likeness import parts_of_length_1  # it starts Keras

    if offers := {head.offer: head.score for head in heads if head.offer}:
        rest = dict.fromkeys([name for name in every() if name not in offers], 0.0)
        return [*offers.items(), *rest.items()]
    not_names = frozenset().union(*(head.not_names for head in heads))
    # A detector that named them knows more than a few examples.
    chances = dict.fromkeys(sorted({head.name for head in heads} - {""}), 1.0)
    vectors = [head.vector for head in heads if head.vector is not None]
    if names is not None and vectors:
        mean = parts_of_length_1(np.mean(vectors, 0, keepdims=True))
        said_of = names.probabilities(mean, likeness.of_anybody(mean))[0].tolist()
        for name, chance in zip(("", *names.names), said_of, strict=True):
            chances[name] = chances.get(name, 0.0) + chance
    return sorted(
        ((name, chance) for name, chance in chances.items() if name not in not_names), key=lambda one: -one[1]
    )
