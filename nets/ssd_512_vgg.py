"""`ssd_512_vgg`: the paper's SSD512, variable for variable the published SSD-Tensorflow network."""

import keras

from nets.network import Network
from nets.ssd_vgg import ExtraBlock, ssd_vgg, vgg_anchor_layers

IMAGE_SIZE = 512

# SSD-Tensorflow, nets/ssd_vgg_512.py, default_params: feat_shapes, anchor_steps, anchor_sizes, in pixels.
ANCHOR_LAYERS = vgg_anchor_layers(
    IMAGE_SIZE,
    (
        (64, 8, 20.48, 51.2),
        (32, 16, 51.2, 133.12),
        (16, 32, 133.12, 215.04),
        (8, 64, 215.04, 296.96),
        (4, 128, 296.96, 378.88),
        (2, 256, 378.88, 460.8),
        (1, 512, 460.8, 542.72),
    ),
    many=range(1, 5),
)

EXTRA_BLOCKS = (
    ExtraBlock("block8", 256, 512),
    ExtraBlock("block9", 128, 256),
    ExtraBlock("block10", 128, 256),
    ExtraBlock("block11", 128, 256),
    ExtraBlock("block12", 128, 256, kernel=4, stride=1),
)


def ssd_512_vgg(num_classes: int) -> keras.Model:
    """Build the network; 27 188 676 parameters with 21 classes.

    Args:
        num_classes: with background.

    Returns:
        float32 [B, 512, 512, 3] RGB 0...255 -> {"codes": [B, 24564, 4], "logits": [B, 24564, C]}.
    """
    return ssd_vgg("ssd_512_vgg", IMAGE_SIZE, EXTRA_BLOCKS, ANCHOR_LAYERS, num_classes)


NETWORK = Network(
    "ssd_512_vgg", IMAGE_SIZE, ANCHOR_LAYERS, ssd_512_vgg, jit_on_cpu=True, bfloat16_on_cpu=True
)
