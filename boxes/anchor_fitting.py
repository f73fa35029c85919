"""Anchors moved to where the labels are: k-means over box shapes, with overlap in place of distance.

After Redmon and Farhadi 2017 (YOLO9000, section 2), but started from a network's own anchors and giving every
anchor's successor its place, so that weights trained for the old anchors have the least to learn anew.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boxes.anchors import AnchorLayer

# A cluster of fewer boxes than this says little about the next picture's: its anchor stays.
LEAST_BOXES = 10
ROUNDS = 50  # it stops by itself after 10 to 30


def shape_overlaps(shapes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU of boxes that share a centre: (height, width) [N, 2] against [M, 2] -> [N, M]."""
    shared = np.minimum(shapes[:, None], others[None]).prod(axis=-1)
    return shared / (shapes.prod(axis=-1)[:, None] + others.prod(axis=-1)[None] - shared)


def fit_anchors(layers: Sequence[AnchorLayer], shapes: np.ndarray) -> tuple[AnchorLayer, ...]:
    """The same grid with other shapes: those that overlap best with the boxes of some data.

    Args:
        layers: a network's.
        shapes: (height, width) of boxes as the network sees them, as fractions of the picture: [N, 2].

    Returns:
        As many layers, cells and anchors as before, in the same order.
    """
    anchors = np.array([shape for layer in layers for shape in layer.shapes])  # [K, 2]
    shapes = shapes[(shapes > 0).all(axis=1)]
    for _ in range(ROUNDS if len(shapes) else 0):
        nearest = shape_overlaps(shapes, anchors).argmax(axis=1)  # [N]
        moved = anchors.copy()
        for k in np.flatnonzero(np.bincount(nearest, minlength=len(anchors)) >= LEAST_BOXES):
            moved[k] = np.exp(np.log(shapes[nearest == k]).mean(axis=0))
        if np.allclose(moved, anchors, rtol=1e-3):
            break
        anchors = moved
    return with_shapes(layers, anchors.tolist())


def with_shapes(layers: Sequence[AnchorLayer], shapes: Sequence[Sequence[float]]) -> tuple[AnchorLayer, ...]:
    """Layers with other anchor shapes; the inverse is `shapes_of`.

    Args:
        layers: the grid.
        shapes: (height, width) of each anchor of a cell, layer after layer.

    Raises:
        ValueError: they are not as many pairs as the layers have, or not sizes of boxes.
    """
    values = np.asarray(shapes, np.float64)
    if values.shape != (sum(len(layer.shapes) for layer in layers), 2):
        raise ValueError(f"anchor shapes of {values.shape} numbers are not a pair for each anchor of a cell")
    if not ((values > 0.0) & (values <= 4.0)).all():  # NaN is neither
        raise ValueError("anchor shapes are (height, width) as fractions of the picture, in 0...4")
    pairs, found = iter(values.tolist()), []
    for layer in layers:
        found.append(replace(layer, shapes=tuple((h, w) for h, w in (next(pairs) for _ in layer.shapes))))
    return tuple(found)


def shapes_of(layers: Sequence[AnchorLayer]) -> list[list[float]]:
    """(height, width) of each anchor of a cell, layer after layer, as numbers for JSON."""
    return [[float(side) for side in shape] for layer in layers for shape in layer.shapes]
