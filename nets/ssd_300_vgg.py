"""`ssd_300_vgg`: the paper's SSD300, variable for variable the published SSD-Tensorflow network."""

import keras

from boxes.anchors import AnchorLayer, ssd_shapes
from nets.network import Network
from nets.ssd_vgg import ExtraBlock, ssd_vgg

IMAGE_SIZE = 300

_FEW = (2, 1 / 2)
_MANY = (2, 1 / 2, 3, 1 / 3)

# SSD-Tensorflow, nets/ssd_vgg_300.py, default_params: anchor_sizes, anchor_steps, anchor_ratios, in pixels.
ANCHOR_LAYERS = tuple(
    AnchorLayer(
        cells, cells, step / IMAGE_SIZE, ssd_shapes(size / IMAGE_SIZE, next_size / IMAGE_SIZE, ratios)
    )
    for cells, step, size, next_size, ratios in (
        (38, 8, 21, 45, _FEW),
        (19, 16, 45, 99, _MANY),
        (10, 32, 99, 153, _MANY),
        (5, 64, 153, 207, _MANY),
        (3, 100, 207, 261, _FEW),
        (1, 300, 261, 315, _FEW),
    )
)

EXTRA_BLOCKS = (
    ExtraBlock("block8", 256, 512),
    ExtraBlock("block9", 128, 256),
    ExtraBlock("block10", 128, 256, stride=1, pad=0),
    ExtraBlock("block11", 128, 256, stride=1, pad=0),
)


def ssd_300_vgg(num_classes: int) -> keras.Model:
    """Build the network; 26 285 486 parameters with 21 classes.

    Args:
        num_classes: with background.

    Returns:
        float32 [B, 300, 300, 3] RGB 0...255 -> {"codes": [B, 8732, 4], "logits": [B, 8732, C]}.
    """
    return ssd_vgg("ssd_300_vgg", IMAGE_SIZE, EXTRA_BLOCKS, ANCHOR_LAYERS, num_classes)


NETWORK = Network("ssd_300_vgg", IMAGE_SIZE, ANCHOR_LAYERS, ssd_300_vgg, jit_on_cpu=True)
