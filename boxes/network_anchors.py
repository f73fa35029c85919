"""The anchors of every network, without the network: what a comparison with labels needs."""

import math
from collections.abc import Sequence
from itertools import pairwise

from boxes.anchors import AnchorLayer, ssd_shapes

# Sides of ssd_300_lite's square anchors. Labelled heads and characters span 8 % to 80 % of a picture; every
# layer doubles the one before (roughly), and its extra square fills the gap.
_LITE_CELLS = (38, 19, 10, 5, 3)
_LITE_SIZES = (0.08, 0.17, 0.32, 0.52, 0.74, 0.96)
_MOBILENET_CELLS = (19, 10, 5, 3, 2, 1)
# Cells a side, step and size (both in pixels) of each feature map, and the size after the last: feat_shapes,
# anchor_steps and anchor_sizes of SSD-Tensorflow's `default_params` in nets/ssd_vgg_300.py and ..._512.py.
_VGG_300 = (38, 19, 10, 5, 3, 1), (8, 16, 32, 64, 100, 300), (21, 45, 99, 153, 207, 261, 315)
_VGG_512 = (
    (64, 32, 16, 8, 4, 2, 1),
    (8, 16, 32, 64, 128, 256, 512),
    (20.48, 51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72),
)


def _lite() -> tuple[AnchorLayer, ...]:
    return tuple(
        AnchorLayer(cells, cells, 1 / cells, ssd_shapes(*sizes, (2.0, 0.5)))
        for cells, sizes in zip(_LITE_CELLS, pairwise(_LITE_SIZES), strict=True)
    )


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


def _mobilenet() -> tuple[AnchorLayer, ...]:
    """The Object Detection API's `ssd_anchor_generator`: scales 0.2 to 0.95, the first map has three."""

    def shape(scale: float, ratio: float) -> tuple[float, float]:
        return scale / math.sqrt(ratio), scale * math.sqrt(ratio)

    scales = [0.2 + 0.15 * index for index in range(len(_MOBILENET_CELLS))] + [1.0]
    found = []
    for index, cells in enumerate(_MOBILENET_CELLS):
        scale, next_scale = scales[index : index + 2]
        if index == 0:
            shapes = (shape(0.1, 1.0), shape(scale, 2.0), shape(scale, 0.5))
        else:
            # 0.3333, not a third: ssdlite_mobilenet_v2_coco.config.
            middle = math.sqrt(scale * next_scale)
            shapes = (*(shape(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)), (middle, middle))
        found.append(AnchorLayer(cells, cells, 1 / cells, shapes))
    return tuple(found)


ANCHOR_LAYERS: dict[str, tuple[AnchorLayer, ...]] = {
    "ssd_300_lite": _lite(),
    "ssd_300_mobilenet_v2": _mobilenet(),
    "ssd_300_vgg": _vgg(300, *_VGG_300),
    "ssd_512_vgg": _vgg(512, *_VGG_512),
}


def anchor_layers(name: str) -> tuple[AnchorLayer, ...]:
    """The anchors of the network of that name; ValueError, which lists those there are: there is none."""
    if name not in ANCHOR_LAYERS:
        raise ValueError(f"There is no network {name!r}. Choose one of: {', '.join(sorted(ANCHOR_LAYERS))}.")
    return ANCHOR_LAYERS[name]
