"""Names that stay the same from frame to frame: follows each face through a video by overlap and name.

A detector sees each frame for itself: it flickers where its score is near the threshold, and calls a
character in profile by another's name for a few frames. Here a face's name is what most of the last seconds
and of the next half second say, short gaps are bridged, and what is seen for a moment only is left out.
Trackers that can be installed (SORT, ByteTrack and their like) follow boxes of pedestrians without names:
they neither vote nor look ahead nor know of hard cuts, and connecting one takes as much code as this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from keras import ops

from boxes.detections import Detections
from boxes.geometry import iou


@dataclass(frozen=True)
class TrackingOptions:
    """How names are kept steady; times are in seconds.

    Attributes:
        score_threshold: lowest score of a face that is shown.
        keep_threshold: a face that is followed already stays with detections down to this score.
        look_ahead: so far into the future a frame's names look; gaps up to this are bridged.
        memory: after this time a detection's vote counts half.
        shortest: a face seen in fewer frames than this, and then no more, is a mistake.
        density: so is one that is seen in a smaller share of the last frames, now and again.
        same_box: detections of different names that overlap more are one face.
        same_face: a box goes on with a face of the frame before that overlaps it at least so much.
    """

    score_threshold: float = 0.5
    keep_threshold: float = 0.25
    look_ahead: float = 0.4
    memory: float = 2.0
    shortest: int = 3
    density: float = 0.4
    same_box: float = 0.6
    same_face: float = 0.3


@dataclass
class _Track:
    """One face, as long as it is followed."""

    box: np.ndarray
    votes: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    name: str = ""
    seen: int = 0
    missed: int = 0
    lost: bool = False
    # Hits and frames so far, of which older ones count less; and their quotient when it was seen last.
    hits: float = 0.0
    frames: float = 0.0
    density: float = 1.0

    def leader(self) -> str:
        """The name with the most votes; the one shown so far stays until another has clearly more."""
        best = max(self.votes, key=lambda name: self.votes[name])
        if self.votes[best] > 1.5 * self.votes.get(self.name, 0.0):
            self.name = best
        return self.name


@dataclass
class _Waiting:
    """A frame whose names are not decided yet: what was seen of each face in it."""

    seen: list[tuple[_Track, np.ndarray, float]] = field(default_factory=list)


class Tracker:
    """Takes the detections of one frame after the other, gives them back later with steady names.

    Every frame that goes in comes out once, in order: `push` and, at the end, `flush` give them out.
    """

    def __init__(self, rate: float, options: TrackingOptions | None = None, *, most_waiting: int = 12):
        """Begins.

        Args:
            rate: frames a second.
            options: see there.
            most_waiting: frames that may wait for their names, for the caller's memory.
        """
        self._options = options or TrackingOptions()
        self._ahead = max(1, min(most_waiting, round(self._options.look_ahead * rate)))
        self._fading = 0.5 ** (1 / max(1.0, self._options.memory * rate))
        self._tracks: list[_Track] = []
        self._waiting: deque[_Waiting] = deque()

    def push(self, found: Detections, *, cut: bool = False) -> Iterator[Detections]:
        """Takes the next frame; gives out those whose names are decided by now.

        Args:
            found: down to `keep_threshold`.
            cut: a new scene begins with this frame: nobody is followed into it.
        """
        if cut:
            yield from self.flush()
        frame = _Waiting()
        self._waiting.append(frame)
        self._match(found, frame)
        while len(self._waiting) > self._ahead:
            yield self._decide(self._waiting.popleft())

    def flush(self) -> Iterator[Detections]:
        """Gives out the rest, and forgets everybody."""
        while self._waiting:
            yield self._decide(self._waiting.popleft())
        self._tracks = []

    def _match(self, found: Detections, frame: _Waiting) -> None:
        options = self._options
        for track in self._tracks:
            track.hits, track.frames = 0.9 * track.hits, 0.9 * track.frames + 1
            track.votes = {name: votes * self._fading for name, votes in track.votes.items()}
        # Once a frame for everything: each call of the backend takes a millisecond, however few the boxes.
        count = len(found)
        overlap = _overlaps(
            np.array([*found.boxes, *(track.box for track in self._tracks)], np.float32), found.boxes
        )
        faces = self._faces(overlap[:count])
        pairs = []
        for t, track in enumerate(self._tracks):
            for f, face in enumerate(faces):
                share = float(overlap[count + t, face[0]])
                if share >= options.same_face:
                    known = found.names[face[0]] == track.leader()
                    pairs.append((share + 0.2 * known, t, f))
        of_track: dict[int, int] = {}
        for _, t, f in sorted(pairs, reverse=True):
            if t not in of_track and f not in of_track.values():
                of_track[t] = f
        for t, track in enumerate(self._tracks):
            if t in of_track:
                self._see(track, found, faces[of_track[t]], frame)
            else:
                track.missed += 1
                track.lost = track.missed > self._ahead
        for f, face in enumerate(faces):
            if f not in of_track.values() and found.scores[face[0]] >= options.score_threshold:
                track = _Track(found.boxes[face[0]])
                self._tracks.append(track)
                self._see(track, found, face, frame)
        self._tracks = [track for track in self._tracks if not track.lost]

    def _faces(self, overlap: np.ndarray) -> list[list[int]]:
        """Detections that lie on one another are one face with several names.

        Args:
            overlap: [N, N], of the detections.

        Returns:
            Their numbers, best first.
        """
        faces: list[list[int]] = []
        for i in range(len(overlap)):
            for face in faces:
                if overlap[face[0], i] > self._options.same_box:
                    face.append(i)
                    break
            else:
                faces.append([i])
        return faces

    def _see(self, track: _Track, found: Detections, face: list[int], frame: _Waiting) -> None:
        box, score = found.boxes[face[0]], float(found.scores[face[0]])
        # It was there in the frames between, too.
        for step in range(1, track.missed + 1):
            between = self._waiting[-1 - step] if step < len(self._waiting) else None
            if between is not None:
                share = np.float32(step / (track.missed + 1))
                between.seen.append((track, box + share * (track.box - box), track.score))
        track.score = score if track.seen == 0 else 0.7 * track.score + 0.3 * score
        track.box, track.missed, track.seen = box, 0, track.seen + 1
        track.hits, track.frames = track.hits + 1, max(track.frames, 1.0)
        track.density = track.hits / track.frames
        for i in face:
            track.votes[found.names[i]] = track.votes.get(found.names[i], 0.0) + float(found.scores[i])
        frame.seen.append((track, box, track.score))

    def _decide(self, frame: _Waiting) -> Detections:
        options = self._options
        shown = [
            (score, track.leader(), box)
            for track, box, score in frame.seen
            if score >= options.score_threshold
            and track.density >= options.density
            and not (track.missed and track.seen < options.shortest)
        ]
        shown.sort(key=lambda one: -one[0])
        return Detections(
            np.array([box for _, _, box in shown], np.float32).reshape(-1, 4),
            np.array([score for score, _, _ in shown], np.float32),
            tuple(name for _, name, _ in shown),
        )


class CutFinder:
    """Says where a new scene begins: the colours of the whole picture change from one frame to the next."""

    def __init__(self, threshold: float = 0.5):
        """Begins; two pictures that share less than `threshold` of their colours are of two scenes."""
        self._threshold = threshold
        self._before: np.ndarray | None = None

    def is_cut(self, image: np.ndarray) -> bool:
        """Whether this frame begins another scene than the one before it: uint8 [H, W, 3]."""
        small = cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA)
        colours = cv2.calcHist([small], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel() / (64 * 36)
        before, self._before = self._before, colours
        return before is not None and float(np.minimum(before, colours).sum()) < self._threshold


def for_threshold(score_threshold: float) -> TrackingOptions:
    """Options that show faces from this score on."""
    return replace(
        TrackingOptions(), score_threshold=score_threshold, keep_threshold=min(0.25, score_threshold / 2)
    )


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union: [N, 4], [M, 4] -> [N, M]."""
    if not len(boxes) or not len(others):
        return np.zeros((len(boxes), len(others)), np.float32)
    return np.asarray(ops.convert_to_numpy(iou(boxes, others)))
