"""`ssd_300_vgg`: the paper's SSD300, variable for variable the published SSD-Tensorflow network."""

import keras

from nets.network import Network
from nets.ssd_vgg import ExtraBlock, ssd_vgg, vgg_anchor_layers

IMAGE_SIZE = 300

# SSD-Tensorflow, nets/ssd_vgg_300.py, default_params: feat_shapes, anchor_steps, anchor_sizes, in pixels.
ANCHOR_LAYERS = vgg_anchor_layers(
    IMAGE_SIZE,
    (
        (38, 8, 21, 45),
        (19, 16, 45, 99),
        (10, 32, 99, 153),
        (5, 64, 153, 207),
        (3, 100, 207, 261),
        (1, 300, 261, 315),
    ),
    many=range(1, 4),
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


NETWORK = Network(
    "ssd_300_vgg", IMAGE_SIZE, ANCHOR_LAYERS, ssd_300_vgg, jit_on_cpu=True, bfloat16_on_cpu=True
)
