"""A camera as a source of frames: OpenCV finds it on Linux, macOS and Windows alike."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from video.reader import Frame, VideoError, VideoFacts

_NAME = re.compile(r"webcam(?::(\d{1,3}))?")


def camera_number(given: Path) -> int | None:
    """The camera that an input on the command line means: `webcam`, `webcam:1`; None for a file's path."""
    match = _NAME.fullmatch(str(given))
    return None if match is None or given.exists() else int(match[1] or 0)


class Camera:
    """An opened camera; its frames get the time at which they came.

    Attributes:
        facts: its picture's size and its usual frames a second.
    """

    def __init__(self, number: int):
        """Opens it and takes a first picture.

        Raises:
            VideoError: there is none, or it gives no picture.
        """
        # Without a camera every one of its ways to look for one would remark on that.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._capture = cv2.VideoCapture(number)
        got, first = self._capture.read()
        if not got:
            self._capture.release()
            raise VideoError(
                f"camera {number} gives no picture",
                "is it plugged in, free and permitted? webcam:1 names the second one",
            )
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._first = first
        self.facts = VideoFacts(
            width=first.shape[1],
            height=first.shape[0],
            rate=Fraction(round(rate) if 1 <= rate <= 240 else 25),
            seconds=None,
            time_base=Fraction(1, 90_000),
            pixel_shape=Fraction(1),
            sound=False,
        )

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def frames(self) -> Iterator[Frame]:
        """Pictures until it is unplugged."""
        started = time.monotonic()
        picture: np.ndarray | None = self._first
        while picture is not None:
            seconds = Fraction(round(1e6 * (time.monotonic() - started)), 1_000_000)
            yield Frame(seconds, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            got, picture = self._capture.read()
            if not got:
                return

    def notes(self) -> list[str]:
        """Nothing to say."""
        return []
