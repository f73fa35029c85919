"""Backbones of face classifiers: VGG-16, or a detector of this project, cut where their feature maps are.

Both take RGB 0...255 and normalise inside of their graph. A map's stride is how many pixels of the picture
one of its cells is apart from the next.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from nets import NETWORKS, get_network
from nets.checkpoint import build_model, read_checkpoint
from nets.imagenet import keras_vgg16_variables
from nets.slim_files import read_slim_variables
from nets.ssd_vgg import RGB_MEAN, VGG_BLOCKS

IMAGENET, NO_WEIGHTS = "imagenet", "none"
_RANDOM_SEED = 0  # of `none`: the same backbone on every machine, so that its cached features stay right


VGG16 = "vgg16"
_IMAGE_SIZE, _SMALLEST = 192, 32  # of vgg16: with which it was measured, and that it takes
_MAPS = {4: "conv3_3", 8: "conv4_3", 16: "conv5_3", 32: "pool5"}  # stride -> layer of its last map


@dataclass(frozen=True)
class BackboneSpec:
    """Which network, and where it is cut: with the weights, everything that its features depend on.

    Raises:
        ValueError: there is no such network, or it does not have this size or these maps.
    """

    name: str  # vgg16, or the network of a detector
    image_size: int  # side of the square picture, in pixels
    strides: tuple[int, ...]  # of the maps, rising

    def __post_init__(self) -> None:
        if self.name in NETWORKS:  # which maps it has is seen when it is cut
            if self.image_size != (size := get_network(self.name).image_size):
                raise ValueError(
                    f"--image_size={self.image_size}: {self.name} takes pictures of {size} pixels only; "
                    "leave it out."
                )
            return
        if self.name != VGG16:
            raise ValueError(
                f"there is no backbone {self.name!r} (those that were never measured are gone); train again, "
                f"with one of {', '.join((VGG16, *NETWORKS))}"
            )
        if self.image_size < _SMALLEST:
            raise ValueError(
                f"--image_size={self.image_size}: {self.name} takes pictures of {_SMALLEST} pixels or more."
            )
        wrong = [str(stride) for stride in self.strides if stride not in _MAPS]
        if wrong or not self.strides:
            raise ValueError(
                f"--strides {', '.join(wrong) or '(none)'}: {self.name} has maps at strides "
                f"{', '.join(map(str, _MAPS))}."
            )


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network that gives feature maps."""

    spec: BackboneSpec  # what it is
    model: keras.Model  # float32 [B, S, S, 3] RGB 0...255 -> list of [B, h, w, channels], one for each stride
    source: str  # where its weights come from, in words

    @property
    def plain_convolutions(self) -> bool:
        """Whether XLA makes it faster on a CPU."""
        name = self.spec.name
        return name == VGG16 or (name in NETWORKS and get_network(name).jit_on_cpu)

    def weights(self) -> list[np.ndarray]:
        """In the order of the model, which depends on nothing but `spec`."""
        return [np.asarray(keras.ops.convert_to_numpy(weight)) for weight in self.model.weights]

    def digest(self) -> str:
        """Of the weights: 16 hexadecimal digits."""
        return weights_digest(self.weights())


def weights_digest(arrays: Sequence[np.ndarray]) -> str:
    """16 hexadecimal digits that change when any value or shape does."""
    digest = hashlib.blake2b(digest_size=8)
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array, np.float32).tobytes())
    return digest.hexdigest()


def open_backbone(
    name: str, weights: str | None, *, image_size: int | None = None, strides: Sequence[int]
) -> Backbone:
    """A backbone with trained weights.

    Args:
        name: vgg16, or the path of a detector's checkpoint folder.
        weights: `imagenet` (what Keras has downloaded before, or downloads now), `none` (random), or a file:
            the `.h5` of keras.applications without its top, or variables by tf-slim name (`.npz` or a
            TensorFlow checkpoint). None with a checkpoint folder.
        image_size: None: the usual one of this backbone. Our networks know one size only.

    Raises:
        ValueError: unknown, not there, not readable, or it does not fit.
    """
    strides = tuple(sorted(set(strides)))
    if name != VGG16:
        return _detector(name, weights, image_size, strides)
    if not weights:
        raise ValueError(
            "--backbone=vgg16 needs --backbone_weights: imagenet (downloads 59 MB once), a file with its "
            "weights, or none (random, for trials only). A detector of yours needs nothing: "
            "--backbone=CHECKPOINT_FOLDER."
        )
    spec = BackboneSpec(name, image_size or _IMAGE_SIZE, strides)
    if weights == NO_WEIGHTS:
        model = _build(spec)
        _fill_randomly(model)
        return Backbone(spec, model, "random weights")
    source = "ImageNet weights of keras.applications" if weights == IMAGENET else Path(weights).name
    return rebuild_backbone(spec, _vgg_arrays(spec, weights), source)


def rebuild_backbone(spec: BackboneSpec, arrays: Sequence[np.ndarray], source: str) -> Backbone:
    """A backbone from its own weights, as `Backbone.weights` gave them.

    Raises:
        ValueError: they are not those of such a backbone.
    """
    model = _build(spec, [array.shape[-1] for array in arrays if array.ndim == 4])
    if [tuple(weight.shape) for weight in model.weights] != [array.shape for array in arrays]:
        raise ValueError(
            f"{source}: {len(arrays)} arrays do not fit the {len(model.weights)} variables of {spec.name}"
        )
    model.set_weights(list(arrays))
    return Backbone(spec, model, source)


def _build(spec: BackboneSpec, widths: Sequence[int] = ()) -> keras.Model:
    """The network as it starts; VGG-16 with so many channels in its first convolutions."""
    if spec.name == VGG16:
        return _vgg(spec, widths)
    return _cut(get_network(spec.name).build(2), spec.strides)


def _fill_randomly(model: keras.Model) -> None:
    """Kernels after He et al. 2015, the same on every machine; everything else stays as it starts."""
    rng = np.random.default_rng(_RANDOM_SEED)
    for weight in model.weights:
        if len(weight.shape) == 4:
            deviation = math.sqrt(2 / math.prod(weight.shape[:3]))
            weight.assign(rng.normal(0.0, deviation, tuple(weight.shape)).astype(np.float32))


# VGG-16, of which only the convolutions are built that the maps need


def _vgg_arrays(spec: BackboneSpec, weights: str) -> list[np.ndarray]:
    """Kernels and biases, in the model's order, of a file or of keras.applications."""
    if weights == IMAGENET or weights.endswith(".h5"):
        arrays = keras_vgg16_variables(None if weights == IMAGENET else Path(weights))
    else:
        arrays = read_slim_variables(weights)
    convolutions = {"/".join(name.split("/")[-2:]): array for name, array in arrays.items()}
    names = [name for name, _ in _vgg_convolutions(spec)]
    for name in names:
        if not {f"{name}/weights", f"{name}/biases"} <= set(convolutions):
            raise ValueError(
                f"{weights} has no {name}/weights and {name}/biases; give VGG-16's convolutions under "
                "tf-slim's names, or a checkpoint folder"
            )
    parts = [f"{name}/{part}" for name in names for part in ("weights", "biases")]
    return [np.asarray(convolutions[part], np.float32) for part in parts]


def _vgg_convolutions(spec: BackboneSpec) -> list[tuple[str, int]]:
    """Name and usual channels of each convolution up to the deepest map."""
    return [
        (f"conv{block}_{index}", width)
        for block, widths in enumerate(VGG_BLOCKS, start=1)
        if 2 ** (block - 1) <= max(spec.strides)
        for index, width in enumerate(widths, start=1)
    ]


def _vgg(spec: BackboneSpec, widths: Sequence[int]) -> keras.Model:
    """The network with so many channels in its first convolutions, with the usual ones in the others."""
    images = keras.Input((spec.image_size, spec.image_size, 3), name="images")
    offset: Any = [-mean for mean in RGB_MEAN]  # Keras takes one per channel, its annotation says float
    tensor = layers.Rescaling(1.0, offset, name="subtract_mean")(images)
    maps = {}
    for number, (name, usual) in enumerate(_vgg_convolutions(spec)):
        if name.endswith("_1") and number:
            tensor = layers.MaxPooling2D(2)(tensor)
        width = widths[number] if number < len(widths) else usual
        tensor = maps[name] = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(tensor)
    if 32 in spec.strides:
        maps["pool5"] = layers.MaxPooling2D(2)(tensor)
    return keras.Model(images, [maps[_MAPS[one]] for one in spec.strides], name=VGG16)


# Detectors of this project


def _detector(folder: str, weights: str | None, image_size: int | None, strides: tuple[int, ...]) -> Backbone:
    if not folder or not Path(folder).is_dir():
        raise ValueError(
            f"--backbone={folder}: there is no such backbone and no such checkpoint folder. Give vgg16, or "
            "the --train_dir of a detector's training."
        )
    if weights:
        raise ValueError(
            f"--backbone_weights={weights}: the checkpoint {folder} brings its own weights; leave it out."
        )
    checkpoint = read_checkpoint(Path(folder))
    network = checkpoint.network
    spec = BackboneSpec(network.name, image_size or network.image_size, strides)
    return Backbone(spec, _cut(build_model(checkpoint), strides), f"detector {checkpoint.folder.name}")


def _cut(model: keras.Model, strides: Sequence[int]) -> keras.Model:
    return keras.Model(model.inputs[0], [_last_map(model, stride) for stride in strides], name=model.name)


def _last_map(model: keras.Model, stride: int) -> keras.KerasTensor:
    """What goes into the first layer that halves the resolution beyond this stride."""
    size = model.inputs[0].shape[1]
    height, halved = -(-size // stride), -(-size // (2 * stride))
    for layer in model.layers:
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 4 and shape[1] == halved and not isinstance(layer.input, list):
            tensor = layer.input
            while tensor.shape[1] != height:  # zeros drawn around a map before it is halved
                tensor = tensor._keras_history.operation.input
            return tensor
    raise ValueError(
        f"--strides {stride}: {model.name} has no such map before its boxes; choose from 4, 8, 16"
    )
