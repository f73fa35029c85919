"""What faces are sorted by: the names that a model gives, or how alike they are, in numbers.

Hair and eyes of a drawn character keep their colours, so colours say much by themselves. The outputs of a
network's layers at a quarter and an eighth of its resolution add texture and shape; deeper layers, which know
what ImageNet's classes are, group drawings less well (measured on 789 faces of ten characters, see
benchmarks/face_clusters.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sklearn.preprocessing import normalize

from faces.backbone import VGG16, open_backbone
from faces.classifier import FaceClassifier, is_face_classifier
from faces.encoder import FaceEncoder
from nets.detector import Detector
from nets.likeness import cell_colours

# Detectors know faces with something around them: so much of the face's size is added on every side. 94 % of
# 157 drawn heads were named rightly with 0.3, 92 % with 0.15, 90 % with 0.5.
_AROUND = 0.3
_SIDE = 96  # pixels of a face from which colours and outlines are taken
_KEPT = 64  # directions in which faces differ most, of each kind of feature
_VGG_SIDE = 144
_STRIDES = (4, 8)
MOST_FACES = 8000  # their distances take 8 bytes for each pair: 256 MB

NamesOf = Callable[[Sequence[np.ndarray]], list[tuple[str, float]]]
"""A few faces, uint8 [H, W, 3] RGB each -> their likeliest names ("": nobody known) and scores in 0...1."""

FeaturesOf = Callable[[Sequence[np.ndarray]], list[tuple[np.ndarray, ...]]]
"""Faces -> an array [D] for each kind of feature, of each face."""


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


def colours_and_outlines(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Hues and greys in nine cells, and directions of edges: [N, 144] and [N, 900]."""
    colours, outlines = [], []
    # Blocks of 32 x 32 pixels in cells of 16 x 16, nine directions (Dalal and Triggs, CVPR 2005).
    edges = cv2.HOGDescriptor((_SIDE, _SIDE), (32, 32), (16, 16), (16, 16), 9)
    for image in images:
        face = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        colours.append(cell_colours(face))
        outlines.append(np.asarray(edges.compute(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))).ravel())
    return [np.stack(colours), 0.5 * normalize(np.stack(outlines))]


def open_features(path: Path | None) -> FeaturesOf:
    """Colours and outlines, and what a trained network sees in a face.

    Args:
        path: of the network: a checkpoint folder of ours, or an `.npz` with the convolutions of VGG-16 under
            tf-slim's names; None: colours and outlines only.

    Raises:
        ValueError: neither.
    """
    if path is None:
        return lambda images: list(zip(*colours_and_outlines(images), strict=True))
    vgg = path.suffix == ".npz"
    name, weights = (VGG16, str(path)) if vgg else (str(path), None)
    size = _VGG_SIDE if vgg else None
    encoder = FaceEncoder(open_backbone(name, weights, image_size=size, strides=_STRIDES), cells=1)
    ends = np.cumsum(encoder.sizes)[:-1]

    def features_of(images: Sequence[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
        seen = np.split(encoder.encode(images).astype(np.float32), ends, axis=1)
        return list(zip(*colours_and_outlines(images), *seen, strict=True))

    return features_of


def combine(features: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Several kinds of features of N faces as one, so that each kind has its say.

    Returns:
        float32 [N, at most 64 for each kind]; each kind's mean square length is that of its first weight.
    """
    parts = []
    for block in (np.stack(kind) for kind in zip(*features, strict=True)):
        centred = block - block.mean(axis=0)
        directions, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        part = directions[:, :_KEPT] * sizes[:_KEPT]
        length = np.sqrt((part**2).sum(axis=1).mean())
        weight = np.sqrt((block**2).sum(axis=1).mean())  # 1 for a block of unit vectors
        parts.append(part * (weight / length if length > 1e-6 * weight else 0.0))
    return np.concatenate(parts, axis=1).astype(np.float32)


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
