"""What makes two faces alike, in numbers: colours and outlines, and what a network's early layers see.

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

from faces.backbone import VGG16, open_backbone
from faces.encoder import FaceEncoder

_SIDE = 96  # pixels of a face from which colours and outlines are taken
_CELLS = 3  # per side
_HUES, _GREYS = 12, 4
_KEPT = 64  # directions in which faces differ most, of each kind of feature
_VGG_SIDE = 144
_STRIDES = (4, 8)
MOST_FACES = 8000  # their distances take 8 bytes for each pair: 256 MB

FeaturesOf = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""Pictures uint8 [H, W, 3] -> arrays [N, D], one for each kind of feature."""


def colours_and_outlines(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Hues and greys in nine cells, and directions of edges: [N, 144] and [N, 900]."""
    colours, outlines = [], []
    # Blocks of 32 x 32 pixels in cells of 16 x 16, nine directions (Dalal and Triggs, CVPR 2005).
    edges = cv2.HOGDescriptor((_SIDE, _SIDE), (32, 32), (16, 16), (16, 16), 9)
    for image in images:
        face = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        colours.append(_colours(cv2.cvtColor(face, cv2.COLOR_RGB2HSV_FULL)))
        outlines.append(np.asarray(edges.compute(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))).ravel())
    return [np.stack(colours), 0.5 * _unit(np.stack(outlines))]


def features_of_backbone(path: Path) -> FeaturesOf:
    """What a trained network sees in a face.

    Args:
        path: a checkpoint folder of ours, or an `.npz` with the convolutions of VGG-16 under tf-slim's names.

    Raises:
        ValueError: neither.
    """
    vgg = path.suffix == ".npz"
    name, weights = (VGG16, str(path)) if vgg else (str(path), None)
    size = _VGG_SIDE if vgg else None
    encoder = FaceEncoder(open_backbone(name, weights, image_size=size, strides=_STRIDES), cells=1)
    ends = np.cumsum(encoder.sizes)[:-1]
    return lambda images: np.split(encoder.encode(images).astype(np.float32), ends, axis=1)


def combine(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Several kinds of features as one, so that each has its say.

    Args:
        blocks: [N, D] each.

    Returns:
        float32 [N, at most 64 per block]; each block's mean square length is that of its first weight.
    """
    parts = []
    for block in blocks:
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

    Args:
        points: [N, D].
        count: of groups, 1...N.

    Returns:
        int [N], the number of each point's group; 0 is the largest group, then 1 ...

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


def _colours(hsv: np.ndarray) -> np.ndarray:
    """Of each cell, the share of each hue and, for what has little colour, of each brightness."""
    cells = []
    for cell in (part for rows in np.split(hsv, _CELLS) for part in np.split(rows, _CELLS, axis=1)):
        hue, saturation, value = cell.reshape(-1, 3).astype(np.float64).T / 256
        vivid = saturation * value
        place = hue * _HUES
        lower, share = place.astype(int), place % 1
        hues = np.bincount(lower, vivid * (1 - share), _HUES)
        hues += np.bincount((lower + 1) % _HUES, vivid * share, _HUES)
        both = np.concatenate([hues, np.bincount((value * _GREYS).astype(int), 1 - vivid, _GREYS)])
        cells.append(np.sqrt(both / both.sum()))
    return np.concatenate(cells) / _CELLS


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
