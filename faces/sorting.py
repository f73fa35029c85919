"""What faces are sorted by: the names that a model gives, or how alike they are, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from sklearn.cluster import AgglomerativeClustering

from faces.classifier import FaceClassifier, is_face_classifier
from nets.detector import HEADS, Detector
from nets.likeness import Likeness

# Detectors know faces with something around them: so much of the face's size is added on every side. 94 % of
# 157 drawn heads were named rightly with 0.3, 92 % with 0.15, 90 % with 0.5.
_AROUND = 0.3
MOST_FACES = 8000  # their distances take 8 bytes for each pair: 256 MB

NamesOf = Callable[[Sequence[np.ndarray]], list[tuple[str, float]]]
"""A few faces, uint8 [H, W, 3] RGB each -> their likeliest names ("": nobody known) and scores in 0...1."""

LikenessOf = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""Faces -> a vector [E] of each, the nearer the more alike."""


def open_names(checkpoint_path: Path) -> NamesOf:
    """Whatever is in a checkpoint folder that can name faces: a face classifier or a detector.

    Raises:
        ValueError: neither, or damaged.
    """
    return (_by_classifier if is_face_classifier(checkpoint_path) else _by_detector)(checkpoint_path)


def _by_classifier(checkpoint_path: Path) -> NamesOf:
    classifier = FaceClassifier.load(checkpoint_path)
    return lambda faces: [
        (answer.names[0] if answer.known else "", float(answer.probabilities[0]))
        for answer in classifier.answers(faces)
    ]


def _by_detector(checkpoint_path: Path) -> NamesOf:
    """By what it says about the box in which the face is."""
    detector = Detector.load(checkpoint_path)
    inner = _AROUND / (1 + 2 * _AROUND)
    box = np.array([[inner, inner, 1 - inner, 1 - inner]], np.float32)

    def names_of(faces: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        names = []
        for look in detector.look([detector.prepare(_with_border(face)) for face in faces]):
            said = look.answers(box).probabilities[0]  # [C], background first
            best = int(np.argmax(said))
            names.append((detector.labels[best - 1] if best else "", float(said[best])))
        return names

    return names_of


def _with_border(face: np.ndarray) -> np.ndarray:
    """The face with its edges drawn out on all sides."""
    high, wide = (max(1, round(_AROUND * side)) for side in face.shape[:2])
    return cv2.copyMakeBorder(face, high, high, wide, wide, cv2.BORDER_REPLICATE)


def open_likeness() -> LikenessOf:
    """How alike drawn heads are, as `nets.likeness` knows.

    Of 789 faces of ten characters 88 of 100 are in a group, of 20, that is mostly of their character; by
    colours and outlines it was 60, with VGG-16's layers beside them 75 (benchmarks/face_clusters.py).
    """
    likeness = Likeness.load(HEADS)
    return lambda faces: list(likeness.vectors(faces))


def alike_groups(points: np.ndarray, count: int) -> np.ndarray:
    """Puts alike faces together: Ward's clustering.

    Of the usual methods it put most faces with faces of the same character (average linkage and HDBSCAN left
    half of them alone or threw characters together; benchmarks/face_clusters.py).

    Returns:
        Of points [N, D], int [N], the number of each one's group; 0 is the largest group, then 1 ...

    Raises:
        ValueError: no such number of groups, or more than `MOST_FACES` points.
    """
    total = len(points)
    if not 1 <= count <= total:
        raise ValueError(f"{total} faces cannot make {count} groups; ask for 1 to {total}")
    if total > MOST_FACES:
        raise ValueError(
            f"{total} faces are too many to compare at once, at most {MOST_FACES}; sort folder by folder"
        )
    if total == 1:
        return np.zeros(1, int)
    labels = AgglomerativeClustering(count, linkage="ward").fit_predict(points)
    _, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    return np.argsort(np.lexsort((first, -sizes)))[labels]
