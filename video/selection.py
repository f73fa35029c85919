"""Which frames of a video are worth a picture: one in every interval, or one after every cut."""

from collections import deque
from collections.abc import Iterable, Iterator
from math import floor

import numpy as np

from video.sparse import RawFrame

# After the wanted time, so many seconds are decoded completely: in a video whose frames come at least this
# often the very first frame at or after that time is found.
INTERVAL_MARGIN = 0.3

_THUMBNAIL = 32, 18
# A cut changes the pixels of a thumbnail by this much on average (0...255, over Y, U and V), and by so many
# times what changes in the two frames before and after. Measured on drawn films: cuts 19 to 36, a panning
# camera at most 3.
_LEAST_CHANGE, _LEAST_RATIO = 8.0, 3.0
_NEIGHBOURS = 2


def must_decode(seconds: float, interval: float) -> bool:
    """Whether the frame of a time may be the one that `at_interval` takes."""
    return seconds % interval < INTERVAL_MARGIN or interval <= INTERVAL_MARGIN


def at_interval(frames: Iterable[RawFrame], interval: float, *, start: float = 0.0) -> Iterator[RawFrame]:
    """The first frame at or after every multiple of `interval` seconds; none twice.

    Args:
        frames: in the order of their times.
        interval: seconds.
        start: the multiples before this time are left out.
    """
    target = -floor(-start / interval + 1e-9)
    for frame in frames:
        # A thousandth of a frame early counts as in time: times are rounded in files.
        if frame.seconds >= target * interval - 1e-4:
            yield frame
            target = floor(frame.seconds / interval + 1e-4) + 1


def after_cuts(frames: Iterable[RawFrame], *, first_scene: bool = True) -> Iterator[RawFrame]:
    """One frame for every scene: shortly after the cut, when the picture has settled.

    Args:
        frames: in the order of their times.
        first_scene: also one at the beginning.
    """
    before: np.ndarray | None = None
    changes: deque[float] = deque(maxlen=2 * _NEIGHBOURS + 1)
    for number, frame in enumerate(frames):
        thumbnail = frame.thumbnail(*_THUMBNAIL).astype(np.int16)
        if before is not None:
            changes.append(float(np.abs(thumbnail - before).mean()))
        before = thumbnail
        if (first_scene and number == _NEIGHBOURS) or is_cut(changes):
            yield frame


def is_cut(changes: Iterable[float]) -> bool:
    """Whether the change in the middle stands out.

    Args:
        changes: from each of six frames to the next; fewer than five tell nothing.
    """
    values = list(changes)
    if len(values) < 2 * _NEIGHBOURS + 1:
        return False
    middle = values.pop(_NEIGHBOURS)
    return middle >= _LEAST_CHANGE and middle >= _LEAST_RATIO * float(np.mean(values))


def is_blank(picture: np.ndarray) -> bool:
    """Whether a picture shows nothing: the black and white between scenes.

    Args:
        picture: uint8 [H, W, 3] RGB.
    """
    return float(picture[::8, ::8].astype(np.float32).std(axis=(0, 1)).max()) < 4.0
