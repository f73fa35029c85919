"""Which frames of a video become pictures, one in every interval or after every cut, and what is cut off."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import floor

import numpy as np

from video.cuts import CutFinder
from video.sparse import RawFrame

# After the wanted time, so many seconds are decoded completely: in a video whose frames come at least this
# often the very first frame at or after that time is found.
INTERVAL_MARGIN = 0.3
_SETTLED = 2  # frames after a cut in which the picture is still mixed or smeared
_BLACK = 28  # grey levels of 255; compression leaves black this bright here and there
_MOST = 0.4  # of the width or height is border on one side: more is a dark scene
_LEAST = 2  # pixels: thinner lines are not worth a cut


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
    cuts, since = CutFinder(), 0 if first_scene else _SETTLED + 1
    for frame in frames:
        if cuts.is_cut(frame.thumbnail()):
            since = 0
        if since == _SETTLED:
            yield frame
        since += 1


def is_blank(picture: np.ndarray) -> bool:
    """Whether a picture shows nothing: the black and white between scenes.

    Args:
        picture: uint8 [H, W, 3] RGB.
    """
    return float(picture[::8, ::8].astype(np.float32).std(axis=(0, 1)).max()) < 4.0


@dataclass(frozen=True)
class Crop:
    """What to cut off each side, in pixels of the upright picture."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """The rest of a picture [H, W, 3]."""
        height, width = picture.shape[:2]
        return picture[self.top : height - self.bottom, self.left : width - self.right]


def find_black_borders(pictures: Iterable[np.ndarray]) -> Crop:
    """What is black at the border of every picture.

    Args:
        pictures: uint8 [H, W, 3] RGB, of one size, from different scenes; those black all over tell nothing.
    """
    brightest: np.ndarray | None = None
    for picture in pictures:
        grey = picture.max(axis=2)
        if grey.max() > _BLACK:
            brightest = grey if brightest is None else np.maximum(brightest, grey)
    if brightest is None:
        return Crop()
    # All but 1 % of a line: a speck of dust is no picture.
    rows = np.percentile(brightest, 99, axis=1) > _BLACK
    columns = np.percentile(brightest, 99, axis=0) > _BLACK
    if not rows.any() or not columns.any():
        return Crop()
    top, bottom = _ends(rows)
    left, right = _ends(columns)
    return Crop(left, top, right, bottom)


def _ends(lit: np.ndarray) -> tuple[int, int]:
    """How many values are False before the first and after the last True."""
    where = np.flatnonzero(lit)
    ends = int(where[0]), int(len(lit) - 1 - where[-1])
    return tuple(end if _LEAST <= end <= _MOST * len(lit) else 0 for end in ends)  # pyright: ignore
