"""The grid of anchors (default boxes, Liu et al. 2016, section 2.2) that a network predicts from.

Those of every network stand here without the network: that is what a comparison with labels needs.
"""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

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
    """Layers with other anchor shapes, as `shapes_of` gives them; ValueError: not so many, or no sizes."""
    values = np.asarray(shapes, np.float64)
    if values.shape != (sum(len(layer.shapes) for layer in layers), 2):
        raise ValueError(f"anchor shapes of {values.shape} numbers are not a pair for each anchor of a cell")
    if not ((values > 0.0) & (values <= 4.0)).all():  # NaN is neither
        raise ValueError("anchor shapes are (height, width) as fractions of the picture, in 0...4")
    pairs = map(tuple, values.tolist())
    return tuple(replace(layer, shapes=tuple(islice(pairs, len(layer.shapes)))) for layer in layers)


def shapes_of(layers: Sequence[AnchorLayer]) -> list[list[float]]:
    """(height, width) of each anchor of a cell, layer after layer, as numbers for JSON."""
    return [[float(side) for side in shape] for layer in layers for shape in layer.shapes]


def _vgg(
    image_size: int, cells: Sequence[int], steps: Sequence[int], sizes: Sequence[float]
) -> tuple[AnchorLayer, ...]:
    """Two more ratios on the maps between the first and the last two."""
    few, many = (2, 1 / 2), (2, 1 / 2, 3, 1 / 3)
    ratios = [few, *[many] * (len(cells) - 3), few, few]
    shapes = [(size / image_size, after / image_size) for size, after in pairwise(sizes)]
    return tuple(
        AnchorLayer(side, side, step / image_size, ssd_shapes(*shape, ratio))
        for side, step, shape, ratio in zip(cells, steps, shapes, ratios, strict=True)
    )


def _mobilenet(cells: Sequence[int]) -> tuple[AnchorLayer, ...]:
    """The Object Detection API's `ssd_anchor_generator`: scales 0.2 to 0.95, the first map has three."""

    def shape(scale: float, ratio: float) -> tuple[float, float]:
        return scale / math.sqrt(ratio), scale * math.sqrt(ratio)

    scales = [0.2 + 0.15 * index for index in range(len(cells))] + [1.0]
    first = shape(0.1, 1.0), shape(scales[0], 2.0), shape(scales[0], 0.5)
    shapes: list[tuple[tuple[float, float], ...]] = [first]
    for scale, next_scale in pairwise(scales[1:]):
        # 0.3333, not a third: ssdlite_mobilenet_v2_coco.config.
        middle = math.sqrt(scale * next_scale)
        shapes.append((*(shape(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)), (middle, middle)))
    return tuple(AnchorLayer(side, side, 1 / side, some) for side, some in zip(cells, shapes, strict=True))


def _lite(cells: Sequence[int], sizes: Sequence[float]) -> tuple[AnchorLayer, ...]:
    shapes = (ssd_shapes(*pair, (2.0, 0.5)) for pair in pairwise(sizes))
    return tuple(AnchorLayer(side, side, 1 / side, some) for side, some in zip(cells, shapes, strict=True))


def family(name: str) -> str:
    """What networks of a trunk have in common whatever the size of their pictures: `ssd_mobilenet_v2`."""
    return "_".join(part for part in name.split("_") if not part.isdigit())


_GRIDS = {"ssd_lite": _lite, "ssd_mobilenet_v2": _mobilenet, "ssd_vgg": _vgg}
_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
ANCHOR_LAYERS = {name: _GRIDS[family(name)](**table) for name, table in _TABLES.items()}


def anchor_layers(name: str) -> tuple[AnchorLayer, ...]:
    """The anchors of the network of that name; ValueError, which lists those there are: there is none."""
    if name not in ANCHOR_LAYERS:
        raise ValueError(f"There is no network {name!r}. Choose one of: {', '.join(sorted(ANCHOR_LAYERS))}.")
    return ANCHOR_LAYERS[name]
