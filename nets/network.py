"""What every network is to the rest of the project: a name, a picture size, anchors and a way to build it.

And the layers that predict codes and logits, the same behind all of them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

from boxes.anchors import AnchorLayer, make_anchors

# Path components of the layers that give C values per anchor: SSD-Tensorflow's, the Object Detection API's.
CLASS_HEADS = ("conv_cls", "ClassPredictor")

# What class outputs mean: shares of one whole, background included, or one answer for each name by itself.
Scores = Literal["softmax", "sigmoid"]


@dataclass(frozen=True)
class Network:
    """One of the networks behind `nets.get_network`."""

    name: str  # as in `--model_name`
    image_size: int  # side of the square picture it takes, in pixels
    anchor_layers: tuple[AnchorLayer, ...]  # the feature maps it predicts from
    architecture: Callable[[int], keras.Model]  # number of classes with background -> keras.Model
    # whether XLA makes it train faster on a CPU with AVX2 (measured: benchmarks/networks.py)
    jit_on_cpu: bool
    bfloat16_on_cpu: bool = False  # the same of bfloat16 on a CPU with units for it
    scores: Scores = "softmax"  # what these values mean; `softmax` wherever they were trained here
    published_scores: Scores = "softmax"  # what they mean in the published weights of this network
    # whether batch normalisation keeps the statistics that a training starts with, unless told otherwise
    freeze_batch_norm: bool = False

    @cached_property
    def anchors(self) -> np.ndarray:
        """float32 [A, 4] corners, not clipped; order: layer, row, column, anchor."""
        return make_anchors(self.anchor_layers)

    def build(self, num_classes: int) -> keras.Model:
        """A model with fresh weights for C classes, names plus one for background.

        float32 [B, S, S, 3] RGB 0...255 -> {"codes": [B, A, 4], "logits": [B, A, C]}.
        """
        if num_classes < 2:
            needed = "at least 2 classes (background and one name)"
            raise ValueError(f"{self.name} needs {needed}, got {num_classes}. Is labels.txt empty?")
        return self.architecture(num_classes)


def predictions(
    maps: Iterable[tuple[str, Any]],
    grid: Sequence[AnchorLayer],
    num_classes: int,
    *,
    kernel: int = 1,
    kinds: tuple[str, str] = ("conv_loc", "conv_cls"),
    before: Callable[[Any, str], Any] = lambda features, name: features,
) -> dict[str, Any]:
    """{"codes": [B, A, 4], "logits": [B, A, C]}, float32, of all anchors, by convolutions of feature maps.

    Their kernels start small, so that a fresh network answers what its biases say (Lin et al. 2017, Focal
    Loss, section 4.1); each has its own initializer, for one draws the same values each time it is called.

    Args:
        maps: name and map [B, H, W, channels], one for each layer of the grid.
        kernel: side of the kernels.
        kinds: how the names of the convolutions for codes and for logits end.
        before: what a map goes through before the convolution of that name.
    """
    columns: dict[str, list] = {"codes": [], "logits": []}
    for (map_name, features), layer in zip(maps, grid, strict=True):
        assert features.shape[1:3] == (layer.rows, layer.columns), f"{map_name} and its anchors"
        anchors = len(layer.shapes)
        biases = "zeros", background_prior(num_classes, anchors)
        for column, kind, values, bias in zip(columns.values(), kinds, (4, num_classes), biases, strict=True):
            name = f"{map_name}.{kind}"
            found = before(features, name)
            small = keras.initializers.RandomNormal(stddev=0.01)
            start = {"kernel_initializer": small, "bias_initializer": bias}
            found = layers.Conv2D(anchors * values, kernel, padding="same", name=name, **start)(found)
            column.append(layers.Reshape((-1, values), name=f"{name}.anchors")(found))
    return {
        name: layers.Concatenate(axis=1, dtype="float32", name=name)(some) for name, some in columns.items()
    }


def background_prior(num_classes: int, anchors: int) -> keras.initializers.Initializer:
    """Biases [anchors of a cell * C] that say "background" as often as the loss shows it: three to one.

    Without them the first few hundred steps of a training are spent on learning just that: on the drawn set
    ssd_300_lite had a validation mAP of 0.21 after 350 steps of 8 pictures, with them 0.45.
    """
    biases = np.zeros(num_classes)
    biases[0] = math.log(3 * (num_classes - 1))
    return keras.initializers.Constant(np.tile(biases, anchors))
