"""Finders of others, to compare ours with: animeface (in an environment of its own) and OpenCV's cascades."""

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from boxes.detections import Detections
from nets.looks import Finder

# animeface and cascades look at pictures of this longest side. Measured with animeface on 30 drawn pictures:
# 35 of 49 heads at 768, 33 at 512, 30 at 1024, 24 at 384; the time grows with the area.
_WORKING_SIDE = 768
_ANIMEFACE = Path(__file__).with_name("animeface_process.py")
# From a face to the whole head, in widths and heights of the face: left, top, right, bottom. Medians of what
# the drawn heads have beyond animeface's boxes.
HEAD = (0.27, 0.66, 0.27, -0.09)

Place = tuple[float, float, float, float, float]  # x, y, width, height in pixels; score


def animeface_finder(python: Path, name: str, threshold: float) -> Finder:
    """Animeface (nagadomi's, 2009): finds faces that look at the viewer; likelihoods of 0 to 1.

    Args:
        python: of the environment that has animeface: it needs a Pillow older than the project's.
        name: that its boxes get.
        threshold: least likelihood.
    """

    def places(images: list[np.ndarray]) -> list[list[Place]]:
        sent = b"".join(b"%d %d\n" % image.shape[1::-1] + image.tobytes() for image in images)
        process = subprocess.run([python, "-I", _ANIMEFACE], input=sent, capture_output=True, check=False)
        if process.returncode != 0:
            last = process.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise ValueError(f"animeface failed: {last}; it needs a Pillow older than 12")
        return json.loads(process.stdout)

    return _finder(places, name, threshold)


def cascade_finder(path: Path, name: str, neighbours: int) -> Finder:
    """An OpenCV cascade, such as nagadomi's lbpcascade_animeface.xml.

    Args:
        path: of the XML file.
        name: that its boxes get.
        neighbours: detections that must agree for a box.

    Raises:
        ValueError: the file is missing or no cascade.
    """
    if not path.is_file():
        raise ValueError(f"--cascade_path {path}: there is no such file")
    import cv2  # no --help waits for it

    cascade = cv2.CascadeClassifier()
    try:
        readable = cascade.load(str(path))
    except cv2.error:
        readable = False
    if not readable:
        raise ValueError(f"--cascade_path {path} is no cascade that OpenCV can read")

    def places(images: list[np.ndarray]) -> list[list[Place]]:
        grey = [cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) for image in images]
        found = [cascade.detectMultiScale(image, 1.1, neighbours, minSize=(24, 24)) for image in grey]
        return [[(x, y, width, height, 1.0) for x, y, width, height in boxes] for boxes in found]

    return _finder(places, name, 0)


def widen(detections: Detections, margins: tuple[float, float, float, float]) -> Detections:
    """Boxes with a margin, cut off at the border of the picture.

    Args:
        detections: what was found.
        margins: left, top, right, bottom, in widths and heights of the box; negative ones narrow it.
    """
    left, top, right, bottom = margins
    boxes = detections.boxes.astype(np.float64)
    size = boxes[:, 2:] - boxes[:, :2]  # [N, 2] height, width
    low = boxes[:, :2] - size * (top, left)
    high = boxes[:, 2:] + size * (bottom, right)
    wide = np.clip(np.concatenate([low, high], axis=1), 0, 1).astype(np.float32)
    return Detections(wide.reshape(-1, 4), detections.scores, detections.names)


def _finder(places: Callable[[list[np.ndarray]], list[list[Place]]], name: str, threshold: float) -> Finder:
    """A finder of what is found in pictures that are at most as large as is useful, best first."""

    def find(images: list[np.ndarray]) -> list[Detections]:
        small = [_reduced(image) for image in images]
        return [_detections(*one) for one in zip(places(small), small, strict=True)]

    def _detections(found: list[Place], image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        found = sorted((one for one in found if one[4] >= threshold), key=lambda one: -one[4])
        boxes = [(y / height, x / width, (y + h) / height, (x + w) / width) for x, y, w, h, _ in found]
        return Detections(
            np.clip(np.array(boxes, np.float32).reshape(-1, 4), 0, 1),
            np.array([one[4] for one in found], np.float32),
            (name,) * len(found),
        )

    return find


def _reduced(image: np.ndarray) -> np.ndarray:
    factor = _WORKING_SIDE / max(image.shape[:2])
    if factor >= 1:
        return image
    import cv2

    size = max(1, math.floor(image.shape[1] * factor)), max(1, math.floor(image.shape[0] * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
