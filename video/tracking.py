"""Names that stay the same from frame to frame: follows each face through a video by overlap and name.

A detector sees each frame for itself: it flickers where its score is near the threshold, and calls a
character in profile by another's name for a few frames. Here a face's name is what most of the last seconds
and of the next half second say, short gaps are bridged, and what is seen for a moment only is left out.
Trackers that can be installed (SORT, ByteTrack and their like) follow boxes of pedestrians without names:
they neither vote nor look ahead.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from boxes.detections import Detections, ranked
from boxes.geometry import best_pairs, iou

_LOOK_AHEAD = 0.4  # seconds into the future to which a frame's names look; gaps up to this are bridged
_MEMORY = 2.0  # seconds after which a detection's vote counts half
_SHORTEST = 3  # a face seen in fewer frames than this, and then no more, is a mistake
_DENSITY = 0.4  # so is one that is seen in a smaller share of the last frames, now and again
_SAME_FACE = 0.3  # a box goes on with a face of the frame before that overlaps it at least so much


def keep_threshold(score_threshold: float) -> float:
    """A face that is followed already stays with detections down to this score."""
    return min(0.25, score_threshold / 2)


@dataclass
class _Track:
    """One face, as long as it is followed."""

    box: np.ndarray
    votes: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    name: str = ""
    seen: int = 0
    missed: int = 0
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


# Of a frame whose names are not decided yet: whose face was seen, where, with which score.
_Seen = list[tuple[_Track, np.ndarray, float]]


class Tracker:
    """Takes the detections of one frame after the other, gives them back later with steady names.

    Every frame that goes in comes out once, in order: `push` and, at the end, `flush` give them out.
    """

    def __init__(self, rate: float, score_threshold: float = 0.5, *, most_waiting: int = 12):
        """Begins, at so many frames a second, of which at most `most_waiting` may wait for their names."""
        self._threshold = score_threshold
        self._ahead = max(1, min(most_waiting, round(_LOOK_AHEAD * rate)))
        self._fading = 0.5 ** (1 / max(1.0, _MEMORY * rate))
        self._tracks: list[_Track] = []
        self._waiting: deque[_Seen] = deque()

    def push(self, found: Detections, *, cut: bool = False) -> Iterator[Detections]:
        """Takes the next frame; gives out those whose names are decided by now.

        Args:
            found: one for each head, down to `keep_threshold`.
            cut: a new scene begins with this frame: nobody is followed into it.
        """
        if cut:
            yield from self.flush()
        frame: _Seen = []
        self._waiting.append(frame)
        self._match(found, frame)
        while len(self._waiting) > self._ahead:
            yield self._decide(self._waiting.popleft())

    def flush(self) -> Iterator[Detections]:
        """Gives out the rest, and forgets everybody."""
        while self._waiting:
            yield self._decide(self._waiting.popleft())
        self._tracks = []

    def _match(self, found: Detections, frame: _Seen) -> None:
        for track in self._tracks:
            track.hits, track.frames = 0.9 * track.hits, 0.9 * track.frames + 1
            track.votes = {name: votes * self._fading for name, votes in track.votes.items()}
        of_track: dict[int, int] = {}
        if self._tracks and len(found):
            boxes = np.array([track.box for track in self._tracks], np.float32)
            overlap = iou(boxes, found.boxes)  # [tracks, N]
            leaders = np.array([track.leader() for track in self._tracks], object)
            known = leaders[:, None] == np.array(found.names, object)
            of_track = dict(best_pairs(np.where(overlap >= _SAME_FACE, overlap + 0.2 * known, 0.0)))
        for t, track in enumerate(self._tracks):
            if t in of_track:
                self._see(track, found, of_track[t], frame)
            else:
                track.missed += 1
        for n, score in enumerate(found.scores):
            if n not in of_track.values() and score >= self._threshold:
                self._tracks.append(_Track(found.boxes[n]))
                self._see(self._tracks[-1], found, n, frame)
        self._tracks = [track for track in self._tracks if track.missed <= self._ahead]

    def _see(self, track: _Track, found: Detections, number: int, frame: _Seen) -> None:
        box, score, name = found.boxes[number], float(found.scores[number]), found.names[number]
        # It was there in the frames between, too.
        for step in range(1, min(track.missed + 1, len(self._waiting))):
            share = np.float32(step / (track.missed + 1))
            self._waiting[-1 - step].append((track, box + share * (track.box - box), track.score))
        track.score = score if track.seen == 0 else 0.7 * track.score + 0.3 * score
        track.box, track.missed, track.seen = box, 0, track.seen + 1
        track.hits, track.frames = track.hits + 1, max(track.frames, 1.0)
        track.density = track.hits / track.frames
        track.votes[name] = track.votes.get(name, 0.0) + score
        frame.append((track, box, track.score))

    def _decide(self, frame: _Seen) -> Detections:
        return ranked(
            (score, box, track.leader())
            for track, box, score in frame
            if score >= self._threshold
            and track.density >= _DENSITY
            and not (track.missed and track.seen < _SHORTEST)
        )
