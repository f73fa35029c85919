"""SSDLite on MobileNetV2, variable for variable the network of TensorFlow's Object Detection API.

Sandler et al. 2018, MobileNetV2, section 6.2; published as `ssdlite_mobilenet_v2_coco_2018_05_09`. Layers
carry the API's names with dots for slashes (`BoxPredictor_0.BoxEncodingPredictor`), variables have its shapes
and values, so that `nets.slim_names` reads its checkpoints as they are. What differs from this project stays
inside: pictures are scaled to -1...1 in the graph, and codes leave it in this project's order. With pictures
of 512 pixels it is the same network on finer maps, and the same weights fit.

The published class outputs are 90 sigmoids beside an unused background, trained one against the rest; a
checkpoint folder made from them says so in config.json ("scores": "sigmoid"). Trained here, class outputs
start fresh and are a softmax, as in every other network.
"""

from functools import partial
from typing import Any

import keras
from keras import layers, ops

from boxes.anchors import anchor_layers
from nets.network import Network, predictions
from nets.normalised_convolution import NormalisedConvolution

TRUNK = "FeatureExtractor.MobilenetV2"
# Channels, repetitions and first stride of the blocks after the first (paper, table 2); all expand 6 times.
BLOCKS = ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
EXPANSION = 6
# The block whose expansion is the first feature map: `layer_15/expansion_output` in the API's configuration.
FIRST_MAP = 13
# Feature maps behind the trunk: channels of the 1x1 and of the 3x3 convolution of stride 2.
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))
# The API's codes are (ty, tx, th, tw), divided by (0.1, 0.1, 0.2, 0.2) as ours are; ours: (cx, cy, w, h).
CODE_ORDER = (1, 0, 3, 2)


class CodeOrder(layers.Layer):
    """Codes (ty, tx, th, tw) as (cx, cy, w, h): [B, A, 4] -> [B, A, 4]."""

    def call(self, codes):
        return ops.stack([codes[..., index] for index in CODE_ORDER], axis=-1)


def _feature_maps(images) -> list:
    """MobileNetV2 and the layers behind it: pictures -> six feature maps."""
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(images)
    x = NormalisedConvolution(32, 3, 2, name=f"{TRUNK}.Conv")(x)
    x = NormalisedConvolution(None, 3, name=f"{TRUNK}.expanded_conv.depthwise")(x)
    x = NormalisedConvolution(16, 1, activation=None, name=f"{TRUNK}.expanded_conv.project")(x)
    maps, index = [], 0
    for channels, repetitions, first_stride in BLOCKS:
        for repetition in range(repetitions):
            index += 1
            name = f"{TRUNK}.expanded_conv_{index}"
            strides = 1 if repetition else first_stride
            y = NormalisedConvolution(EXPANSION * x.shape[-1], 1, name=f"{name}.expand")(x)
            if index == FIRST_MAP:
                maps.append(y)
            y = NormalisedConvolution(None, 3, strides, name=f"{name}.depthwise")(y)
            y = NormalisedConvolution(channels, 1, activation=None, name=f"{name}.project")(y)
            x = layers.Add(name=f"{name}.add")([x, y]) if repetition else y
    x = NormalisedConvolution(1280, 1, name=f"{TRUNK}.Conv_1")(x)
    maps.append(x)
    for number, (narrow, wide) in enumerate(EXTRAS, start=2):
        x = NormalisedConvolution(narrow, 1, name=f"{TRUNK}.layer_19_1_Conv2d_{number}_1x1_{narrow}")(x)
        # What SSDLite has for a 3x3 convolution of stride 2.
        name = f"{TRUNK}.layer_19_2_Conv2d_{number}_3x3_s2_{wide}"
        x = NormalisedConvolution(None, 3, 2, name=f"{name}_depthwise")(x)
        x = NormalisedConvolution(wide, 1, name=name)(x)
        maps.append(x)
    return maps


def _depthwise(features, name: str):
    return NormalisedConvolution(None, 3, name=f"{name}_depthwise")(features)


def _ssd_mobilenet_v2(name: str, image_size: int, num_classes: int) -> keras.Model:
    """float32 [B, S, S, 3] RGB 0...255 -> {"codes": [B, A, 4], "logits": [B, A, num_classes]}."""
    images = keras.Input((image_size, image_size, 3), name="images")
    maps = ((f"BoxPredictor_{index}", features) for index, features in enumerate(_feature_maps(images)))
    kinds = "BoxEncodingPredictor", "ClassPredictor"
    outputs = predictions(maps, anchor_layers(name), num_classes, kinds=kinds, before=_depthwise)
    outputs["codes"] = CodeOrder(dtype="float32", name="code_order")(outputs["codes"])
    return keras.Model(images, outputs, name=name)


_PUBLISHED: Any = {"jit_on_cpu": False, "published_scores": "sigmoid", "freeze_batch_norm": True}
NETWORKS = tuple(
    Network(name, size, anchor_layers(name), partial(_ssd_mobilenet_v2, name, size), **_PUBLISHED)
    for name, size in (("ssd_300_mobilenet_v2", 300), ("ssd_512_mobilenet_v2", 512))
)
