"""`ssd_300_vgg` and `ssd_512_vgg`: the paper's SSD on VGG-16 (Liu et al. 2016), as SSD-Tensorflow has it.

Layers carry the variable names of SSD-Tensorflow with dots for slashes (`block8.conv1x1`), which is all
that `nets.slim_names` needs to read its checkpoints. Pictures come in as RGB 0...255; the mean is
subtracted in the graph. As in the paper (section 3) there is no dropout; SSD-Tensorflow has it after
conv6 and conv7 while it trains, which changes no variable and no prediction.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
from keras import layers, ops

from boxes.anchors import anchor_layers
from files.reading import table_beside
from nets.network import Network, predictions

# Subtracted from R, G, B: SSD-Tensorflow, preprocessing/ssd_vgg_preprocessing.py (_R_MEAN, _G_MEAN, _B_MEAN).
RGB_MEAN = (123.0, 117.0, 104.0)

# Channels of the convolutions of the VGG-16 blocks conv1...conv5 (Simonyan & Zisserman 2015, column D).
VGG_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class L2Normalization(layers.Layer):
    """Every pixel's channels scaled to length 1, then each channel by a learned `gamma`.

    The paper (section 3.1) does this to conv4_3, whose activations are much larger than those of the
    deeper feature maps, and starts the scale at 20. Computed in float32 whatever the policy: the sum of
    512 squares leaves the range of float16.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def build(self, input_shape):
        """Create `gamma` [channels]."""
        start = keras.initializers.Constant(20.0)
        self.gamma = self.add_weight(name="gamma", shape=input_shape[-1:], initializer=start)

    def call(self, inputs):
        """Normalise [..., channels] -> [..., channels]."""
        square_length = ops.sum(ops.square(inputs), axis=-1, keepdims=True)
        # 1e-12 as in tf.nn.l2_normalize, which the published network uses.
        return inputs * ops.rsqrt(ops.maximum(square_length, 1e-12)) * self.gamma


def _convolution(features, name: str, channels: int, kernel: int, **options):
    """A convolution that keeps the size of the map unless told otherwise.

    Starts after He et al. 2015: with Keras's default (Glorot) and no batch normalisation every fresh ReLU
    layer halves what passes, and behind VGG's ImageNet weights blocks 9 to 11, where large heads are found,
    would hardly see the picture (standard deviation 0.09 to 0.02 instead of 0.8).
    """
    options.setdefault("padding", "same")
    options |= {"kernel_initializer": keras.initializers.HeNormal(), "activation": "relu"}
    return layers.Conv2D(channels, kernel, name=name, **options)(features)


def _vgg_trunk(images):
    """VGG-16 with fc6 and fc7 as convolutions: pictures -> maps block4 (stride 8) and block7 (stride 16)."""
    offset: Any = [-mean for mean in RGB_MEAN]  # Keras takes one per channel, its annotation says float
    features = layers.Rescaling(1.0, offset=offset, name="subtract_mean")(images)
    maps = {}
    for block, widths in enumerate(VGG_BLOCKS, start=1):
        for index, channels in enumerate(widths, start=1):
            features = _convolution(features, f"conv{block}.conv{block}_{index}", channels, 3)
        maps[f"block{block}"] = features
        # pool5 keeps the size (3x3, stride 1); conv6's dilation of 6 makes up for the missing stride.
        size, stride = (3, 1) if block == 5 else (2, 2)
        features = layers.MaxPooling2D(size, stride, padding="same", name=f"pool{block}")(features)
    features = _convolution(features, "conv6", 1024, 3, dilation_rate=6)
    features = _convolution(features, "conv7", 1024, 1)
    return {"block4": maps["block4"], "block7": features}


def _extra_map(
    features, name: str, *, narrow: int, wide: int, kernel: int = 3, stride: int = 2, pad: int = 1
):
    """A feature map behind VGG: a 1x1 convolution that narrows and a wider one that shrinks the map.

    So many channels; side and stride of the second one's kernel, and rows of zeros around its input.
    """
    features = _convolution(features, f"{name}.conv1x1", narrow, 1)
    if pad:
        features = layers.ZeroPadding2D(pad, name=f"{name}.pad")(features)
    name = f"{name}.conv{kernel}x{kernel}"
    return _convolution(features, name, wide, kernel, strides=stride, padding="valid")


def _ssd_vgg(
    name: str, image_size: int, extra_blocks: Sequence[Mapping[str, Any]], num_classes: int
) -> keras.Model:
    """float32 [B, S, S, 3] RGB 0...255 -> {"codes": [B, A, 4], "logits": [B, A, C]}, both float32."""
    images = keras.Input((image_size, image_size, 3), name="images")
    maps = _vgg_trunk(images)
    features = maps["block7"]
    for block in extra_blocks:
        features = maps[block["name"]] = _extra_map(features, **block)
    maps["block4"] = L2Normalization(name="block4_box.L2Normalization")(maps["block4"])

    boxes = ((f"{map_name}_box", features) for map_name, features in maps.items())
    return keras.Model(images, predictions(boxes, anchor_layers(name), num_classes, kernel=3), name=name)


def _network(name: str, image_size: int, extra_blocks: Sequence[Mapping[str, Any]]) -> Network:
    architecture = partial(_ssd_vgg, name, image_size, extra_blocks)
    return Network(name, image_size, anchor_layers(name), architecture, jit_on_cpu=True, bfloat16_on_cpu=True)


NETWORKS = tuple(_network(name, **table) for name, table in table_beside(__file__).items())
