"""The grid of anchors (default boxes, Liu et al. 2016, section 2.2) that a network predicts from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np


@dataclass(frozen=True)
class AnchorLayer:
    """The anchors of one feature map: the same shapes around the centre of every cell."""

    rows: int  # cells from top to bottom
    columns: int  # cells from left to right
    step: float  # distance between the centres of neighbouring cells, as a fraction of the picture
    # (height, width) of each anchor of a cell, as fractions of the picture
    shapes: tuple[tuple[float, float], ...]


def ssd_shapes(size: float, next_size: float, ratios: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Anchor shapes of one SSD layer, in the order of the Caffe code and of SSD-Tensorflow.

    Args:
        size: side of the layer's square anchor, as a fraction of the picture (`s_k` in the paper).
        next_size: that of the next layer (`s_{k+1}`); gives the extra square of side sqrt(s_k * s_{k+1}).
        ratios: width / height of the further anchors, each with the area of the first.

    Returns:
        (height, width) of the square, the extra square, then one per ratio.
    """
    middle = (size * next_size) ** 0.5
    return ((size, size), (middle, middle), *((size / r**0.5, size * r**0.5) for r in ratios))


def make_anchors(layers: Sequence[AnchorLayer]) -> np.ndarray:
    """All anchors of a network as corners, float32 [A, 4], not clipped at the border.

    Order: layer, row, column, anchor, as the network's outputs are flattened.
    """
    corners = []
    for layer in layers:
        middles = [(np.arange(cells) + 0.5) * layer.step for cells in (layer.rows, layer.columns)]
        centres = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)[:, :, None]  # [row, column, 1, 2]
        halves = np.asarray(layer.shapes, np.float64) / 2  # [anchor, (height, width)]
        corners.append(np.concatenate([centres - halves, centres + halves], axis=-1).reshape(-1, 4))
    return np.concatenate(corners).astype(np.float32)


def with_shapes(layers: Sequence[AnchorLayer], shapes: Sequence[Sequence[float]]) -> tuple[AnchorLayer, ...]:
    """Layers with other anchor shapes, as `boxes.anchor_fitting.shapes_of` gives them.

    Raises:
        ValueError: they are not as many pairs as the layers have, or not sizes of boxes.
    """
    values = np.asarray(shapes, np.float64)
    if values.shape != (sum(len(layer.shapes) for layer in layers), 2):
        raise ValueError(f"anchor shapes of {values.shape} numbers are not a pair for each anchor of a cell")
    if not ((values > 0.0) & (values <= 4.0)).all():  # NaN is neither
        raise ValueError("anchor shapes are (height, width) as fractions of the picture, in 0...4")
    pairs = map(tuple, values.tolist())
    return tuple(replace(layer, shapes=tuple(islice(pairs, len(layer.shapes)))) for layer in layers)
