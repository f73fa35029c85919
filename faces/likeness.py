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
import keras
import numpy as np

from faces.backbone import VGG16, Backbone, open_backbone
from faces.pooling import FacePooling
from preprocessing.resize import resize_picture

_SIDE = 96  # pixels of a face from which colours and outlines are taken
_CELLS = 3  # per side
_HUES, _GREYS = 12, 4
_KEPT = 64  # directions in which faces differ most, of each kind of feature
_VGG_SIDE = 144
_STRIDES = (4, 8)
_BATCH = 16

Look = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
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


def backbone_of(path: Path) -> Look:
    """What a trained network sees in a face.

    Args:
        path: a checkpoint folder of ours, or an `.npz` with the convolutions of VGG-16 under tf-slim's names.

    Raises:
        ValueError: neither.
    """
    vgg = path.suffix == ".npz"
    name, weights = (VGG16, str(path)) if vgg else (str(path), None)
    size = _VGG_SIDE if vgg else None
    return _look_with(open_backbone(name, weights, image_size=size, strides=_STRIDES))


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


def _colours(hsv: np.ndarray) -> np.ndarray:
    """Of each cell, the share of each hue and, for what has little colour, of each brightness."""
    cells = []
    step = _SIDE // _CELLS
    for row in range(_CELLS):
        for column in range(_CELLS):
            cell = hsv[row * step : (row + 1) * step, column * step : (column + 1) * step]
            hue, saturation, value = cell.reshape(-1, 3).astype(np.float64).T / 256
            vivid = saturation * value
            place = hue * _HUES
            lower = place.astype(int) % _HUES
            share = place - np.floor(place)
            hues = np.bincount(lower, vivid * (1 - share), _HUES)
            hues += np.bincount((lower + 1) % _HUES, vivid * share, _HUES)
            greys = np.bincount((value * _GREYS).astype(int), 1 - vivid, _GREYS)
            both = np.concatenate([hues, greys])
            cells.append(np.sqrt(both / both.sum()))
    return np.concatenate(cells) / _CELLS


def _look_with(backbone: Backbone) -> Look:
    model = keras.Model(
        backbone.model.inputs[0], [FacePooling(1, ("mean", "std"))(one) for one in backbone.model.outputs]
    )

    def look(images: Sequence[np.ndarray]) -> list[np.ndarray]:
        blocks: list[list[np.ndarray]] = [[] for _ in model.outputs]
        for start in range(0, len(images), _BATCH):
            batch = np.stack(
                [
                    np.asarray(resize_picture(image, backbone.spec.image_size))
                    for image in images[start : start + _BATCH]
                ]
            )
            outputs = model.predict_on_batch(batch)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            for block, output in zip(blocks, outputs, strict=True):
                block.append(np.asarray(output))
        return [np.concatenate(block) for block in blocks]

    return look


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
