"""Names for pictures that show one face each, by a face classifier or a detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

_BATCH = 16
# Detectors know faces with something around them: so much of the face's size is added on every side. 94 % of
# 157 drawn heads were named rightly with 0.3, 92 % with 0.15, 90 % with 0.5.
_AROUND = 0.3

NamesOf = Callable[[Sequence[np.ndarray]], list[tuple[str, float]]]
"""Faces, uint8 [H, W, 3] RGB each -> their likeliest names ("": nobody who is known) and scores in 0...1."""


def open_names(checkpoint_path: Path) -> NamesOf:
    """Whatever is in a checkpoint folder that can name faces: a face classifier or a detector.

    Raises:
        ValueError: neither, or damaged.
    """
    from faces.classifier import is_face_classifier

    return (_by_classifier if is_face_classifier(checkpoint_path) else _by_detector)(checkpoint_path)


def _by_classifier(checkpoint_path: Path) -> NamesOf:
    from faces.classifier import FaceClassifier

    classifier = FaceClassifier.load(checkpoint_path)
    return lambda faces: [
        (answer.names[0] if answer.known else "", float(answer.probabilities[0]))
        for answer in classifier.answers(faces)
    ]


def _by_detector(checkpoint_path: Path) -> NamesOf:
    """By what it says about the box in which the face is."""
    from nets.detector import Detector

    detector = Detector.load(checkpoint_path)
    inner = _AROUND / (1 + 2 * _AROUND)
    box = np.array([[inner, inner, 1 - inner, 1 - inner]], np.float32)

    def names_of(faces: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        names = []
        for start in range(0, len(faces), _BATCH):
            prepared = [detector.prepare(_with_border(face)) for face in faces[start : start + _BATCH]]
            for look in detector.look(prepared):
                said = look.answers(box).probabilities[0]  # [C], background first
                best = int(np.argmax(said))
                names.append((detector.labels[best - 1] if best else "", float(said[best])))
        return names

    return names_of


def _with_border(face: np.ndarray) -> np.ndarray:
    """The face with its edges drawn out on all sides."""
    high, wide = (max(1, round(_AROUND * side)) for side in face.shape[:2])
    return cv2.copyMakeBorder(face, high, high, wide, wide, cv2.BORDER_REPLICATE)
