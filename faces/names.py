"""Names for pictures that show one face each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

_BATCH = 16
# Detectors know faces with something around them: so much of the face's size is added on every side. 94 % of
# 157 drawn heads were named rightly with 0.3, 92 % with 0.15, 90 % with 0.5.
_AROUND = 0.3


@dataclass(frozen=True)
class FaceName:
    """Who a face is thought to be.

    Attributes:
        name: "" where it is nobody who is known.
        score: 0...1.
    """

    name: str
    score: float


class NamesFaces(Protocol):
    """Whatever can name faces: a detector or a face classifier."""

    def names_of(self, faces: Sequence[np.ndarray]) -> list[FaceName]:
        """The likeliest name of each picture, uint8 [H, W, 3] RGB."""
        ...


class ClassifierNames:
    """Names faces with a trained face classifier."""

    def __init__(self, checkpoint_path: Path):
        """Loads it.

        Raises:
            ValueError: not the folder of a face classifier, or damaged.
        """
        from faces.classifier import FaceClassifier

        self._classifier = FaceClassifier.load(checkpoint_path)

    def names_of(self, faces: Sequence[np.ndarray]) -> list[FaceName]:
        """The likeliest name of each face; "" where it is most likely nobody who is known."""
        return [
            FaceName(answer.names[0] if answer.known else "", float(answer.probabilities[0]))
            for answer in self._classifier.answers(faces)
        ]


class DetectorNames:
    """Names faces with a trained detector, by what it says about the box in which the face is."""

    def __init__(self, checkpoint_path: Path):
        """Loads it.

        Raises:
            ValueError: not a checkpoint folder, or damaged.
        """
        from nets.detector import Detector

        self._detector = Detector.load(checkpoint_path)

    def names_of(self, faces: Sequence[np.ndarray]) -> list[FaceName]:
        """The likeliest name of each face."""
        inner = _AROUND / (1 + 2 * _AROUND)
        box = np.array([[inner, inner, 1 - inner, 1 - inner]], np.float32)
        names = []
        for start in range(0, len(faces), _BATCH):
            prepared = [self._detector.prepare(_with_border(face)) for face in faces[start : start + _BATCH]]
            for look in self._detector.look(prepared):
                said = look.answers(box).probabilities[0]  # [C], background first
                best = int(np.argmax(said))
                name = self._detector.labels[best - 1] if best else ""
                names.append(FaceName(name, float(said[best])))
        return names


def open_names(checkpoint_path: Path) -> NamesFaces:
    """Whatever is in a checkpoint folder that can name faces: a face classifier or a detector.

    Raises:
        ValueError: neither, or damaged.
    """
    from faces.classifier import is_face_classifier

    kind = ClassifierNames if is_face_classifier(checkpoint_path) else DetectorNames
    return kind(checkpoint_path)


def _with_border(face: np.ndarray) -> np.ndarray:
    """The face with its edges drawn out on all sides."""
    high, wide = (max(1, round(_AROUND * side)) for side in face.shape[:2])
    return cv2.copyMakeBorder(face, high, high, wide, wide, cv2.BORDER_REPLICATE)
