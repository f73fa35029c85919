"""Who is in a film for how long, from one picture a second.

A head is followed as long as a shot lasts, and looked at more closely once, where the detector is surest
(`nets.likeness`). What is kept of a film is small: names can be given again when more films are known.
"""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from boxes.detections import Detections
from boxes.geometry import best_pairs, iou
from files.reading import read_arrays
from files.writing import write_arrays
from nets.detector import Detector
from nets.likeness import NUMBERS, Likeness, head_of
from terminal.bars import Progress, silent
from video.detection import read_ahead
from video.reader import CutFinder, VideoError
from video.selection import SparseVideo, at_interval
from visualization.drawing import scale_to

INTERVAL = 1.0  # seconds from one picture to the next
SOMEBODY = 0.2  # the best score of a track from which on it can be somebody; 0.35 loses minutes
_LEAST = 0.1  # score from which on a head is followed: as far down as drafts look; not varied
_BATCH, _MOST_BYTES = 8, 200_000_000  # pictures that the network sees at once, and those that wait
_LOOK = 96  # pixels of a head that are kept until its film ends, along the longer side
# Overlap of heads in pictures that follow one another, from which on they are one, and what the same name
# adds to it; 0.1 in place of the first changed nothing, the second was not varied.
_SAME, _SAME_NAME = 0.2, 0.2
_MISSED = 1  # pictures in a row in which a head may be overlooked; not varied
# Of a shot's pictures: who is seen in so many is there all the time. 0, a third, half and two thirds gave
# minutes that were wrong by 5.3, 5.5, 5.5 and 7.7 % on a drawn episode; single pictures alone 9.1 %.
_ALL_THE_TIME = 1 / 3


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen in a film: S pictures, N heads in them, T tracks: one person's heads in one shot."""

    made: str  # what of: another film or detector has another text
    length: float  # of the film in seconds
    size: np.ndarray  # int [2], height and width of its pictures in pixels
    times: np.ndarray  # float [S], when each picture is shown, in seconds
    shots: np.ndarray  # int [S], the number of its shot
    pictures: np.ndarray  # int [N], in which picture each head is
    boxes: np.ndarray  # float32 [N, 4] corners
    names: np.ndarray  # str [N], the likeliest name
    scores: np.ndarray  # float32 [N]
    evidence: np.ndarray  # float32 [N], see `nets.thresholds`
    tracks: np.ndarray  # int [N], of which track each head is
    vectors: np.ndarray  # float32 [T, NUMBERS], of `nets.likeness`; 0 where no score reaches SOMEBODY

    def of_tracks(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Of T tracks the name for which most is said, the best score, and the mean evidence."""
        known, number = np.unique(self.names, return_inverse=True)
        votes, best = np.zeros((len(self.vectors), len(known))), np.zeros(len(self.vectors))
        np.add.at(votes, (self.tracks, number), self.scores)
        np.maximum.at(best, self.tracks, self.scores)
        evidence = np.bincount(self.tracks, self.scores * self.evidence, len(best)) / votes.sum(1)
        return known[votes.argmax(1)].tolist() if len(known) else [], best, evidence

    def entries(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """One a picture, as `find_appearances` takes them; `names` of T tracks, "" for nobody."""
        shown: list[dict[str, float]] = [{} for _ in self.times]
        of_head = np.array(["", *names], object)[self.tracks + 1]
        for shot in np.unique(self.shots):
            inside = np.flatnonzero(self.shots == shot)
            heads = np.isin(self.pictures, inside)
            for name in {*of_head[heads]} - {""}:
                his = heads & (of_head == name)
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
        named = tuple(names[int(track)] for track in self.tracks[first:last].tolist())
        found = Detections(self.boxes[first:last], self.scores[first:last], named)
        return found.where(np.array([name != "" for name in named], bool))


def write_seen(path: Path, seen: Seen) -> None:
    """Keeps it in a file of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_arrays(path, {key: np.asarray(value) for key, value in asdict(seen).items()})


def read_seen(path: Path, made: str) -> Seen | None:
    """What `write_seen` wrote; None where there is nothing, or of another film or detector, or damaged."""
    try:
        arrays = read_arrays(path)
        seen = Seen(str(arrays["made"]), float(arrays["length"]), *(arrays[f.name] for f in fields(Seen)[2:]))
        heads = seen.pictures, seen.boxes, seen.names, seen.scores, seen.evidence, seen.tracks
        fit = len(seen.times) == len(seen.shots) > seen.pictures.max(initial=-1)
        if seen.made == made and seen.length > 0 and fit and len({*map(len, heads)}) == 1:
            seen.of_tracks()  # is there a vector of each?
            return seen
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        pass
    return None


def tracks_in_shots(
    shots: np.ndarray, pictures: np.ndarray, boxes: np.ndarray, names: np.ndarray
) -> np.ndarray:
    """Which heads are one person's, as long as a shot lasts.

    Args:
        shots: int [S], the shot of each picture.
        pictures: int [N], the picture of each head, in rising order.
        boxes: float32 [N, 4] corners.
        names: str [N].

    Returns:
        int [N], the number of each one's track, counted from 0 as they begin.
    """
    tracks, followed = np.arange(len(pictures)), np.zeros(0, int)  # and the last heads of tracks
    for picture, shot in enumerate(shots):
        now = np.arange(*np.searchsorted(pictures, (picture, picture + 1)))
        near = pictures[followed] >= picture - 1 - _MISSED
        followed = followed[near & (shots[pictures[followed]] == shot)]
        if len(followed) and len(now):
            overlap = iou(boxes[followed], boxes[now])
            fit = overlap + _SAME_NAME * (names[followed][:, None] == names[now])
            for old, new in best_pairs(np.where((overlap > 0) & (fit >= _SAME), fit, 0.0)):
                tracks[now[new]] = tracks[followed[old]]
        later = np.concatenate([now, followed])
        followed = later[np.unique(tracks[later], return_index=True)[1]]
    return np.unique(tracks, return_inverse=True)[1]


def look_through(
    path: Path, detector: Detector, likeness: Likeness, made: str, progress: Progress = silent
) -> tuple[Seen, list[str]]:
    """What is seen in a film, and what else a person should know (damage); counts its seconds.

    UnusableFile where it cannot be read.
    """
    times, shots, heads, looks, cuts = [], [], [], [], CutFinder()
    with SparseVideo(path) as video:
        size, length = (video.facts.height, video.facts.width), video.facts.seconds or math.inf
        room = max(1, _MOST_BYTES // (3 * math.prod(size)))
        sparse = (
            (raw.seconds, raw.picture(), cuts.is_cut(raw.thumbnail())) for raw in at_interval(video, INTERVAL)
        )
        with closing(read_ahead(sparse, min(2 * _BATCH, room), min(_BATCH, room))) as batches:
            for batch in batches:
                found = detector.detect_batch([image for _, image, _ in batch], score_threshold=_LEAST)
                for (seconds, image, cut), one in zip(batch, found, strict=True):
                    evidence = one.scores if one.evidence is None else one.evidence
                    heads += zip(repeat(len(times)), one.boxes, one.names, one.scores, evidence)
                    looks += [scale_to(head_of(image, box), _LOOK) for box in one.boxes]
                    shots.append(shots[-1] + cut if shots else 0)
                    times.append(seconds)
                progress(path.name, round(times[-1]), round(video.facts.seconds or 0))
        damage = [] if video.damage is None else ["damaged at {:.1f} s: {}".format(*video.damage)]
        notes = [*video.notes, *damage]
    if not times:
        raise VideoError("no frame that can be decoded", "")
    pictures, boxes, names, scores, evidence = map(np.array, zip(*heads, strict=True) if heads else [()] * 5)
    shots, pictures, boxes = np.array(shots, int), pictures.astype(int), boxes.reshape(-1, 4)
    tracks = tracks_in_shots(shots, pictures, boxes, names)
    order = np.lexsort((-scores, tracks))
    best = order[np.unique(tracks[order], return_index=True)[1]]  # of each track
    vectors = np.zeros((len(best), NUMBERS), np.float32)
    some = best[scores[best] >= SOMEBODY]
    for first in range(0, len(some), 64):
        progress("heads", first, len(some))
        part = some[first : first + 64]
        vectors[tracks[part]] = likeness.vectors([looks[n] for n in part])[:, :NUMBERS]
    length = min(length, times[-1] + INTERVAL)
    times = np.array(times)
    return Seen(
        made, length, np.array(size), times, shots, pictures, boxes, names, scores, evidence, tracks, vectors
    ), notes
