"""Who is in a film for how long, from one picture a second.

A head is followed as long as a shot lasts, and looked at more closely once, where the detector is surest
(`nets.likeness`). What is kept of a film is small: names can be given again when more films are known.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from boxes.detections import Detections
from boxes.geometry import iou
from boxes.matching import best_pairs
from files.arrays import read_arrays, write_arrays
from nets.detector import Detects
from nets.likeness import Likeness, head_of
from terminal.bars import Progress, silent
from video.detection import read_ahead
from video.reader import CutFinder
from video.selection import SparseVideo, at_interval

INTERVAL = 1.0  # seconds from one picture to the next
_BATCH, _MOST_BYTES = 8, 200_000_000  # pictures that the network sees at once, and those that wait
_LEAST = 0.1  # score from which on a head is followed: as far down as drafts look; not varied
# The best score of a track from which on it can be somebody: 0.35 loses minutes, and no more strangers.
SOMEBODY = 0.2
_TOGETHER = 16  # heads that are looked at at once
# Overlap of heads in pictures that follow one another, from which on they are one, and what the same name
# adds to it; 0.1 in place of the first changed nothing, the second was not varied.
_SAME, _SAME_NAME = 0.2, 0.2
_MISSED = 1  # pictures in a row in which a head may be overlooked
# Of a shot's pictures: who is seen in so many is there all the time. None, a third, half and two thirds of a
# shot gave minutes that were wrong by 5.3, 5.5, 5.5 and 7.7 % on the film of benchmarks.series; single
# pictures alone 9.1 %.
_ALL_THE_TIME = 1 / 3


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen in a film: S pictures, N heads in them, T tracks: one head in one shot."""

    made: str  # what of: another film or detector has another text
    length: float  # of the film in seconds
    size: np.ndarray  # int64 [2], height and width of its pictures in pixels
    times: np.ndarray  # float64 [S], when each picture is shown, in seconds
    shots: np.ndarray  # int64 [S], the number of its shot
    pictures: np.ndarray  # int64 [N], in which picture each head is
    tracks: np.ndarray  # int64 [N], of which track it is
    boxes: np.ndarray  # float32 [N, 4] corners
    names: np.ndarray  # str [N], the likeliest name
    scores: np.ndarray  # float32 [N]
    evidence: np.ndarray  # float32 [N], see `nets.thresholds`
    vectors: np.ndarray  # float32 [T, E], of `nets.likeness`; 0 where no score reaches SOMEBODY

    def of_tracks(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Of T tracks the name for which most is said, the best score, and the mean evidence."""
        known, number = np.unique(self.names, return_inverse=True)
        votes, best = np.zeros((len(self.vectors), max(1, len(known)))), np.zeros(len(self.vectors))
        np.add.at(votes, (self.tracks, number), self.scores)
        np.maximum.at(best, self.tracks, self.scores)
        total = np.bincount(self.tracks, self.scores * self.evidence, len(best))
        return known[votes.argmax(1)].tolist() if len(best) else [], best, total / votes.sum(1)

    def entries(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """One a picture, as `find_appearances` takes them; `names` of T tracks, "" for nobody."""
        shown: list[dict[str, float]] = [{} for _ in self.times]
        named = np.array(names, object)[self.tracks] if len(names) else np.array([], object)
        for shot in np.unique(self.shots):
            inside = np.flatnonzero(self.shots == shot)
            heads = np.isin(self.pictures, inside)
            for name in {*named[heads]} - {""}:
                his = heads & (named == name)
                seen = np.unique(self.pictures[his])
                there = inside if len(seen) >= _ALL_THE_TIME * len(inside) else seen
                for picture in there.tolist():
                    shown[picture][name] = float(self.scores[his].max())
        return [
            {"time": time, "detections": [{"name": name, "score": score} for name, score in one.items()]}
            for time, one in zip(self.times.tolist(), shown, strict=True)
        ]

    def shown_at(self, picture: int, names: Sequence[str]) -> Detections:
        """The heads that have a name in a picture, best first; `names` of T tracks, "" for nobody."""
        first, last = np.searchsorted(self.pictures, (picture, picture + 1))
        heads = [n for n in range(first, last) if names[self.tracks[n]]]
        heads.sort(key=lambda n: -self.scores[n])
        named = tuple(names[self.tracks[n]] for n in heads)
        return Detections(self.boxes[heads].reshape(-1, 4), self.scores[heads], named)


def write_seen(path: Path, seen: Seen) -> None:
    """Keeps it in a file of its own."""
    write_arrays(path, {key: np.asarray(value) for key, value in asdict(seen).items()})


def read_seen(path: Path, made: str) -> Seen | None:
    """What `write_seen` wrote; None where there is nothing, or of another film or detector, or damaged."""
    try:
        arrays = read_arrays(path)
        seen = Seen(str(arrays["made"]), float(arrays["length"]), *(arrays[f.name] for f in fields(Seen)[2:]))
        heads = {len(getattr(seen, name)) for name in ("pictures", "tracks", "boxes", "names", "scores")}
        whole = heads == {len(seen.evidence)} and len(seen.times) == len(seen.shots)
        seen.of_tracks(), seen.entries([""] * len(seen.vectors))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return seen if whole and seen.made == made else None


@dataclass
class _Head:
    """The head of a track: where it was last, and how it looks where it was seen best."""

    track: int
    box: np.ndarray
    name: str
    best: float
    look: np.ndarray  # uint8 [h, w, 3]
    missed: int = 0


@dataclass
class _Film:
    """What was seen so far."""

    likeness: Likeness
    times: list[float] = field(default_factory=list)
    shots: list[int] = field(default_factory=list)
    heads: list[tuple[int, int, np.ndarray, str, float, float]] = field(default_factory=list)
    vectors: dict[int, np.ndarray] = field(default_factory=dict)  # by track
    followed: list[_Head] = field(default_factory=list)
    waiting: list[_Head] = field(default_factory=list)  # to be looked at, several at once
    tracks: int = 0

    def see(self, seconds: float, image: np.ndarray, found: Detections, *, cut: bool) -> None:
        """The next picture, uint8 [H, W, 3] RGB, and what is found in it; a cut forgets everybody."""
        if cut:
            self.forget(self.followed)
        self.times.append(seconds)
        self.shots.append(self.shots[-1] + cut if self.shots else 0)
        of_head = {new: self.followed[old] for old, new in self._pairs(found)}
        for head in self.followed:
            head.missed += 1
        evidence = np.zeros(len(found)) if found.evidence is None else found.evidence
        for n, (box, score, name) in enumerate(zip(found.boxes, found.scores, found.names, strict=True)):
            head = of_head.get(n)
            if head is None:
                head = _Head(self.tracks, box, name, -1.0, image[:0])
                self.followed.append(head)
                self.tracks += 1
            head.box, head.name, head.missed = box, name, 0
            if score > head.best:
                head.best, head.look = float(score), head_of(image, box)
            self.heads.append((len(self.times) - 1, head.track, box, name, float(score), float(evidence[n])))
        self.forget([head for head in self.followed if head.missed > _MISSED])

    def _pairs(self, found: Detections) -> Iterator[tuple[int, int]]:
        if not self.followed or not len(found):
            return iter(())
        boxes = np.array([head.box for head in self.followed], np.float32)
        overlap = np.asarray(ops.convert_to_numpy(iou(boxes, found.boxes)))
        known = np.array([[head.name == name for name in found.names] for head in self.followed])
        fit = overlap + _SAME_NAME * known
        return best_pairs(np.where((overlap > 0) & (fit >= _SAME), fit, 0.0))

    def forget(self, heads: Sequence[_Head], *, end: bool = False) -> None:
        """They are seen no more: only what they look like is kept."""
        gone = {head.track for head in heads}
        self.followed = [head for head in self.followed if head.track not in gone]
        self.waiting += [head for head in heads if head.best >= SOMEBODY]
        if end or len(self.waiting) >= _TOGETHER:
            looks = self.likeness.vectors([head.look for head in self.waiting])
            self.vectors.update(zip([head.track for head in self.waiting], looks, strict=True))
            self.waiting = []


def look_through(
    path: Path, detector: Detects, likeness: Likeness, made: str, progress: Progress = silent
) -> tuple[Seen, list[str]]:
    """What is seen in a film, and what else a person should know (damage); counts its seconds.

    Raises:
        UnusableFile: it cannot be read.
    """
    film, cuts = _Film(likeness), CutFinder()
    with SparseVideo(path) as video:
        size = video.facts.height, video.facts.width
        room = max(1, _MOST_BYTES // (3 * math.prod(size)))
        pictures = (
            (raw.seconds, raw.picture(), cuts.is_cut(raw.thumbnail())) for raw in at_interval(video, INTERVAL)
        )
        with closing(read_ahead(pictures, min(2 * _BATCH, room), min(_BATCH, room))) as batches:
            for batch in batches:
                found = detector.detect_batch([image for _, image, _ in batch], score_threshold=_LEAST)
                for (seconds, image, cut), one in zip(batch, found, strict=True):
                    film.see(seconds, image, one, cut=cut)
                progress(path.name, round(film.times[-1]), round(video.facts.seconds or 0))
        film.forget(film.followed, end=True)
        notes = [*video.notes]
        if video.damage is not None:
            notes.append(f"damaged at {video.damage[0]:.1f} s: {video.damage[1]}")
        last = (film.times[-1] if film.times else 0.0) + INTERVAL
        length = min(last, video.facts.seconds or math.inf)
    nobody = np.zeros(likeness.strangers.shape[1], np.float32)
    pictures, tracks, boxes, names, scores, evidence = (
        zip(*film.heads, strict=True) if film.heads else [()] * 6
    )
    return Seen(
        made, length, np.array(size), np.array(film.times), np.array(film.shots, np.int64),
        np.array(pictures, np.int64), np.array(tracks, np.int64), np.array(boxes, np.float32).reshape(-1, 4),
        np.array(names, str), np.array(scores, np.float32), np.array(evidence, np.float32),
        np.array([film.vectors.get(track, nobody) for track in range(film.tracks)], np.float32),
    ), notes  # fmt: skip
