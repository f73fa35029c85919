"""Backbones of face classifiers: trained networks, cut where their feature maps are.

Networks of keras.applications, or those of this project with the weights of a trained detector. All take
RGB 0...255 and normalise inside of their graph. A map's stride is how many pixels of the picture one of its
cells is apart from the next.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

from nets import NETWORKS, get_network
from nets.checkpoint import Checkpoint, build_model, is_checkpoint, read_checkpoint
from nets.imagenet import keras_vgg16_variables, load_imagenet
from nets.slim_files import read_slim_variables
from nets.slim_names import load_slim_variables
from nets.ssd_vgg import RGB_MEAN, VGG_BLOCKS

IMAGENET, NO_WEIGHTS = "imagenet", "none"
_RANDOM_SEED = 0  # of `none`: the same backbone on every machine, so that its cached features stay right


@dataclass(frozen=True)
class _Application:
    """A network of keras.applications.

    Attributes:
        constructor: its name there.
        image_size: it was trained with.
        smallest: side that it takes.
        normalises: has its own normalisation of 0...255 inside; else it takes -1...1.
        maps: layer of the last map of each stride.
        cut: layer behind which the top blocks begin: everything passes through it.
        megabytes: of the download.
    """

    constructor: str
    image_size: int
    smallest: int
    normalises: bool
    maps: Mapping[int, str]
    cut: str
    megabytes: int


VGG16 = "vgg16"
_VGG_SIZE, _VGG_SMALLEST, _VGG_MEGABYTES = 192, 32, 59
_APPLICATIONS = {
    "mobilenet_v2": _Application(
        "MobileNetV2", 224, 32, False,
        {4: "block_3_expand_relu", 8: "block_6_expand_relu", 16: "block_13_expand_relu", 32: "out_relu"},
        "block_12_add", 9,
    ),
    "inception_v3": _Application(
        "InceptionV3", 299, 75, False, {8: "mixed2", 16: "mixed7", 32: "mixed10"}, "mixed7", 88
    ),
    "efficientnet_v2_b0": _Application(
        "EfficientNetV2B0", 224, 32, True,
        {4: "block2b_add", 8: "block3b_add", 16: "block5e_add", 32: "top_activation"}, "block5e_add", 24,
    ),
    "efficientnet_v2_s": _Application(
        "EfficientNetV2S", 384, 32, True,
        {4: "block2d_add", 8: "block3d_add", 16: "block5i_add", 32: "top_activation"}, "block5i_add", 82,
    ),
}  # fmt: skip
BACKBONES = (VGG16, *_APPLICATIONS, *NETWORKS)


@dataclass(frozen=True)
class BackboneSpec:
    """Which network, and where it is cut: with the weights, everything that its features depend on.

    Attributes:
        name: one of BACKBONES.
        image_size: side of the square picture, in pixels.
        strides: of the maps, rising.
    """

    name: str
    image_size: int
    strides: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network that gives feature maps.

    Attributes:
        spec: what it is.
        model: float32 [B, S, S, 3] RGB 0...255 -> list of [B, h, w, channels], one for each stride.
        source: where its weights come from, in words.
    """

    spec: BackboneSpec
    model: keras.Model
    source: str

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
        name: one of BACKBONES, or the path of a checkpoint folder of ours, a detector's.
        weights: `imagenet` (what Keras has downloaded before, or downloads now), `none` (random), or a file:
            the `.h5` of keras.applications without its top, or variables by tf-slim name (`.npz` or a
            TensorFlow checkpoint) of vgg16 or of one of our networks. None with a checkpoint folder.
        image_size: None: the usual one of this backbone. Our networks know one size only.
        strides: of the maps wanted.

    Raises:
        ValueError: unknown, not there, not readable, or it does not fit.
    """
    strides = tuple(sorted(set(strides)))
    if name not in BACKBONES:
        folder = Path(name)
        if not is_checkpoint(folder):
            if folder.is_dir():
                read_checkpoint(folder)  # says what is missing
            raise ValueError(
                f"--backbone={name}: there is no such backbone and no such checkpoint folder. Choose one of "
                f"{', '.join(BACKBONES)}, or give the --train_dir of a detector's training."
            )
        if weights is not None:
            raise ValueError(
                f"--backbone_weights={weights}: the checkpoint {name} brings its own weights; leave it out."
            )
        return _of_checkpoint(read_checkpoint(folder), image_size, strides)
    if weights is None:
        raise ValueError(
            f"--backbone={name} needs --backbone_weights: imagenet (downloads {_megabytes(name)} MB once), "
            "a file with its weights, or none (random, for trials only). A detector of yours needs "
            "nothing: --backbone=CHECKPOINT_FOLDER."
        )
    if name == VGG16:
        return _vgg(weights, image_size or _VGG_SIZE, strides)
    if name in NETWORKS:
        return _of_network(name, weights, image_size, strides)
    return _of_application(name, weights, image_size or _APPLICATIONS[name].image_size, strides)


def rebuild_backbone(spec: BackboneSpec, arrays: Sequence[np.ndarray], source: str) -> Backbone:
    """A backbone from its own weights, as `Backbone.weights` gave them.

    Raises:
        ValueError: they are not those of such a backbone.
    """
    if spec.name == VGG16:
        model = _vgg_graph(spec, [array.shape[-1] for array in arrays if array.ndim == 4])
    elif spec.name in NETWORKS:
        _check_size(spec.name, spec.image_size)
        model = _cut_network(get_network(spec.name).build(2), spec.strides)
    elif spec.name in _APPLICATIONS:
        model = _cut_application(spec)
    else:
        raise ValueError(f"there is no backbone {spec.name!r}; known are {', '.join(BACKBONES)}")
    wanted = [tuple(weight.shape) for weight in model.weights]
    if wanted != [array.shape for array in arrays]:
        raise ValueError(f"{len(arrays)} arrays do not fit the {len(wanted)} variables of {spec.name}")
    model.set_weights(list(arrays))
    return Backbone(spec, model, source)


def split_backbone(backbone: Backbone) -> tuple[keras.Model, keras.Model]:
    """The backbone in two: what stays as it is, and the top blocks that fine-tuning changes.

    Returns:
        trunk: pictures -> [what the top takes, *maps before it]; top: that -> list of the maps behind it.
        Both share their layers with `backbone.model`.

    Raises:
        ValueError: its maps are all before the top, or it cannot be cut.
    """
    spec, model = backbone.spec, backbone.model
    if spec.name == VGG16:
        cut = model.get_layer("pool4").output if max(spec.strides) >= 16 else None
    elif spec.name in _APPLICATIONS:
        name = _APPLICATIONS[spec.name].cut
        cut = next((layer.output for layer in model.layers if layer.name == name), None)
    else:
        cut = model.outputs[spec.strides.index(8)] if 8 in spec.strides else None
    early, late = [], []
    if cut is not None:
        for output in model.outputs:
            depends = output is not cut and not _reached(output, model.inputs[0], without=cut)
            (late if depends else early).append(output)
    if cut is None or not late:
        raise ValueError(
            f"--fine_tune_epochs: the maps of {spec.name} at strides {', '.join(map(str, spec.strides))} "
            "come before the blocks that would be tuned. Add a deeper one: --strides 8 16"
        )
    return keras.Model(model.inputs[0], [cut, *early]), keras.Model(cut, late)


def _reached(tensor, source, *, without) -> bool:
    """Whether a tensor can be computed from the pictures by a way around `without`."""
    waiting, seen = [tensor], set()
    while waiting:
        one = waiting.pop()
        if one is without or id(one) in seen:
            continue
        seen.add(id(one))
        if one is source:
            return True
        operation, node_index, _ = one._keras_history
        waiting += operation._inbound_nodes[node_index].input_tensors
    return False


def _check_size(name: str, image_size: int) -> None:
    size = get_network(name).image_size
    if image_size != size:
        raise ValueError(
            f"--image_size={image_size}: {name} takes pictures of {size} pixels only; leave it out."
        )


def _megabytes(name: str) -> int:
    if name in _APPLICATIONS:
        return _APPLICATIONS[name].megabytes
    return 9 if "mobilenet" in name else _VGG_MEGABYTES


# VGG-16


def _vgg(weights: str, image_size: int, strides: tuple[int, ...]) -> Backbone:
    if image_size < _VGG_SMALLEST:
        raise ValueError(
            f"--image_size={image_size}: {VGG16} takes pictures of {_VGG_SMALLEST} pixels or more."
        )
    spec = BackboneSpec(VGG16, image_size, strides)
    _check_strides(spec, (4, 8, 16, 32))
    if weights == NO_WEIGHTS:
        model = _vgg_graph(spec, [VGG_BLOCKS[block - 1][0] for _, block in _vgg_layers(max(strides))])
        _fill_randomly(model)
        return Backbone(spec, model, "random weights")
    if weights == IMAGENET:
        arrays, source = keras_vgg16_variables(), "ImageNet weights of keras.applications"
    elif weights.endswith(".h5"):
        arrays, source = keras_vgg16_variables(Path(weights)), Path(weights).name
    else:
        arrays, source = read_slim_variables(weights), Path(weights).name
    convolutions: dict[str, np.ndarray] = {
        match[0]: np.asarray(array)
        for name, array in arrays.items()
        if (match := re.search(r"conv\d_\d/(weights|biases)$", name))
    }
    names = [name for name, _ in _vgg_layers(max(strides))]
    for name in names:
        if not {f"{name}/weights", f"{name}/biases"} <= set(convolutions):
            raise ValueError(
                f"{weights} has no {name}/weights and {name}/biases; give VGG-16's convolutions under "
                "tf-slim's names, or a checkpoint folder"
            )
    model = _vgg_graph(spec, [convolutions[f"{name}/weights"].shape[-1] for name in names])
    values = [convolutions[f"{name}/{part}"] for name in names for part in ("weights", "biases")]
    wanted = [tuple(weight.shape) for weight in model.weights]
    for name, value, shape in zip(np.repeat(names, 2), values, wanted, strict=True):
        if value.shape != shape:
            raise ValueError(f"{weights}: {name} has the shape {value.shape}, and needs {shape}")
    model.set_weights([np.asarray(value, np.float32) for value in values])
    return Backbone(spec, model, source)


def _vgg_layers(deepest: int) -> list[tuple[str, int]]:
    """Names of the convolutions up to a stride, with the block of each."""
    return [
        (f"conv{block}_{index}", block)
        for block, widths in enumerate(VGG_BLOCKS, start=1)
        if 2 ** (block - 1) <= deepest
        for index in range(1, len(widths) + 1)
    ]


def _vgg_graph(spec: BackboneSpec, widths: Sequence[int]) -> keras.Model:
    """The convolutions that the maps need; stride 32 is pool5."""
    names = _vgg_layers(max(spec.strides))
    if len(widths) != len(names):
        raise ValueError(f"{len(widths)} convolutions for a VGG-16 that has {len(names)} up to there")
    images = keras.Input((spec.image_size, spec.image_size, 3), name="images")
    offset = [-mean for mean in RGB_MEAN]
    tensor = layers.Rescaling(1.0, offset, name="subtract_mean")(images)  # pyright: ignore[reportArgumentType]
    maps, last = {}, 1
    for (name, block), width in zip(names, widths, strict=True):
        if block != last:
            tensor, last = layers.MaxPooling2D(2, name=f"pool{last}")(tensor), block
        layer = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)
        tensor = maps[2 ** (block - 1)] = layer(tensor)
    if 32 in spec.strides:
        maps[32] = layers.MaxPooling2D(2, name="pool5")(tensor)
    return keras.Model(images, [maps[stride] for stride in spec.strides], name=VGG16)


# Other networks of keras.applications


def _of_application(name: str, weights: str, image_size: int, strides: tuple[int, ...]) -> Backbone:
    application = _APPLICATIONS[name]
    if image_size < application.smallest:
        raise ValueError(
            f"--image_size={image_size}: {name} takes pictures of {application.smallest} pixels or more."
        )
    spec = BackboneSpec(name, image_size, strides)
    _check_strides(spec, application.maps)
    build = getattr(keras.applications, application.constructor)
    options = {"input_shape": (image_size, image_size, 3), "include_top": False}
    if weights == NO_WEIGHTS:
        model = _cut_application(spec)
        _fill_randomly(model)
        return Backbone(spec, model, "random weights")
    if weights != IMAGENET and not Path(weights).is_file():
        raise ValueError(f"--backbone_weights={weights}: there is no such file. {_H5.format(name=name)}")
    try:
        source = build(weights=weights, **options)
    except Exception as error:  # Keras raises bare Exceptions when a download or a file fails
        raise ValueError(
            f"--backbone_weights={weights} could not be read: {error}. {_H5.format(name=name)}"
        ) from error
    model = _cut_application(spec, source.get_weights())
    told = "ImageNet weights of keras.applications" if weights == IMAGENET else Path(weights).name
    return Backbone(spec, model, told)


_H5 = "Give the no_top .h5 file of keras.applications' {name}, or imagenet to download it."


def _cut_application(spec: BackboneSpec, arrays: Sequence[np.ndarray] | None = None) -> keras.Model:
    """The part of the network that the maps need; `arrays` are those of the whole network."""
    application = _APPLICATIONS[spec.name]
    _check_strides(spec, application.maps)
    images = keras.Input((spec.image_size, spec.image_size, 3), name="images")
    tensor = images if application.normalises else layers.Rescaling(1 / 127.5, -1.0, name="normalise")(images)
    build = getattr(keras.applications, application.constructor)
    whole = build(weights=None, include_top=False, input_tensor=tensor)
    if arrays is not None:
        whole.set_weights(list(arrays))
    maps = [whole.get_layer(application.maps[stride]).output for stride in spec.strides]
    return keras.Model(images, maps, name=spec.name)


def _fill_randomly(model: keras.Model) -> None:
    """Kernels after He et al. 2015, the same on every machine; everything else stays as it starts."""
    rng = np.random.default_rng(_RANDOM_SEED)
    for weight in model.weights:
        if len(weight.shape) == 4:
            deviation = math.sqrt(2 / math.prod(weight.shape[:3]))
            weight.assign(rng.normal(0.0, deviation, tuple(weight.shape)).astype(np.float32))


# Our own networks


def _of_checkpoint(checkpoint: Checkpoint, image_size: int | None, strides: tuple[int, ...]) -> Backbone:
    name = checkpoint.network.name
    size = checkpoint.network.image_size
    _check_size(name, image_size or size)
    model = _cut_network(build_model(checkpoint), strides)
    return Backbone(BackboneSpec(name, size, strides), model, f"detector {checkpoint.folder.name}")


def _of_network(name: str, weights: str, image_size: int | None, strides: tuple[int, ...]) -> Backbone:
    network = get_network(name)
    _check_size(name, image_size or network.image_size)
    model = _cut_network(network.build(2), strides)
    source = Path(weights).name
    if weights == NO_WEIGHTS:
        _fill_randomly(model)
        source = "random weights"
    elif weights == IMAGENET or weights.endswith(".h5"):
        load_imagenet(model, None if weights == IMAGENET else Path(weights))
    else:
        report = load_slim_variables(model, weights)
        if report.missing:
            raise ValueError(
                f"--backbone_weights={weights} has {len(report.restored)} of the {len(model.weights)} "
                f"variables of {name}; {report.missing[0]} and others are missing. Is it another network's?"
            )
    return Backbone(BackboneSpec(name, network.image_size, strides), model, source)


def _cut_network(model: keras.Model, strides: Sequence[int]) -> keras.Model:
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


def _check_strides(spec: BackboneSpec, known) -> None:
    wrong = [stride for stride in spec.strides if stride not in known]
    if wrong or not spec.strides:
        raise ValueError(
            f"--strides {', '.join(map(str, wrong)) or '(none)'}: {spec.name} has maps at strides "
            f"{', '.join(map(str, known))}."
        )
