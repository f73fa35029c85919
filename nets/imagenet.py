"""VGG-16 as keras.applications trained it on ImageNet, as starting weights."""

import re
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from files.reading import demand_finite
from nets.slim_names import SlimReport, load_slim_variables, slim_name
from nets.ssd_vgg import RGB_MEAN

SCOPE = "vgg_16"
_TOP = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}  # keras.applications' names: slim's

# What keras.applications subtracts from R, G, B: keras/src/applications/imagenet_utils.py, mode "caffe".
_KERAS_RGB_MEAN = (123.68, 116.779, 103.939)

# Every third row and column of fc6's 7x7, every fourth output of fc6 and fc7: 512x7x7 -> 4096 -> 4096
# becomes 512x3x3 -> 1024 -> 1024, as the `fc_reduced` VGG-16 that the paper starts from was made
# (Chen et al. 2015, DeepLab, section 3.1).
_KERNEL_STEP = 3
_CHANNEL_STEP = 4


def load_imagenet(model: keras.Model, path: Path | None = None) -> SlimReport:
    """Give a network the ImageNet weights that keras.applications has for its trunk, in place.

    Args:
        model: a network on VGG-16.
        path: a `vgg16_weights_tf_dim_ordering_tf_kernels.h5` or `..._notop.h5` already on this machine.
            None: what Keras has downloaded before, or downloads now (59 MB).

    Raises:
        ValueError: another kind of network, or the weights cannot be had.
    """
    if not any(slim_name(weight.path).startswith("conv1/conv1_1/") for weight in model.weights):
        cure = "a checkpoint folder, checkpoints/anime_heads or your own, or train ssd_300_vgg"
        wrong = f"ImageNet weights are those of VGG-16, which {model.name} is not built on"
        raise ValueError(f"{wrong}. Start it from {cure}.")
    return load_slim_variables(model, reduce_fully_connected(keras_vgg16_variables(path)), scope=SCOPE)


def keras_vgg16_variables(path: Path | None = None) -> dict[str, np.ndarray]:
    """The ImageNet weights of keras.applications' VGG16, for pictures as our networks prepare them.

    Its first layer takes BGR minus its own mean and is changed to take RGB minus ours.

    Args:
        path: as for `load_imagenet`. None: without fc6 and fc7.

    Returns:
        `vgg_16/conv1/conv1_1/weights`... -> array; with `vgg_16/fc6/...` and `vgg_16/fc7/...` if the
        file has them.

    Raises:
        ValueError: the weights cannot be had.
    """
    top = path is not None and path.is_file() and _has_top(path)
    variables = {}
    for layer in _published(path, top).layers:
        if not layer.weights:
            continue
        # `block1_conv2` -> `conv1/conv1_2`
        name = _TOP.get(layer.name) or re.sub(r"block(\d)_conv(\d)", r"conv\1/conv\1_\2", layer.name)
        kernel, bias = (np.array(weight) for weight in layer.weights)
        if name == "conv1/conv1_1":
            kernel = kernel[:, :, ::-1]
            # The two means differ by less than 1; exact but for the pixels along the border.
            bias = bias + kernel.sum(axis=(0, 1)).T @ np.subtract(RGB_MEAN, _KERAS_RGB_MEAN)
        variables[f"{SCOPE}/{name}/weights"] = np.asarray(kernel, np.float32)
        variables[f"{SCOPE}/{name}/biases"] = np.asarray(bias, np.float32)
    return variables


def _published(path: Path | None, top: bool) -> keras.Model:
    """VGG16 of keras.applications with its ImageNet weights, from a file or as Keras finds them."""
    if path is not None and not path.is_file():
        raise ValueError(f"No file {path}. Give the .h5 file of keras.applications' VGG16.")
    try:
        model = keras.applications.VGG16(top, "imagenet" if path is None else str(path))
        demand_finite("it", {weight.path: np.array(weight) for weight in model.weights})
    except Exception as error:  # Keras raises a bare Exception when a download fails
        cure = "give an .npz file or a checkpoint of tf-slim (vgg_16.ckpt) as the checkpoint path"
        what = path or "the ImageNet weights of keras.applications"
        raise ValueError(f"{what} could not be read: {error}. Without a network, {cure}.") from error
    return model


def reduce_fully_connected(variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """VGG-16's variables with fc6 and fc7 sampled down to the conv6 and conv7 of the SSD networks.

    Args:
        variables: by slim name, under any scope. fc6 may be a matrix [25088, 4096] (rows: y, x, channel)
            or a convolution [7, 7, 512, 4096]; fc7 [4096, 4096] or [1, 1, 4096, 4096].

    Returns:
        The same variables with conv6 [3, 3, 512, 1024] and conv7 [1, 1, 1024, 1024] instead of fc6 and
        fc7; all of them unchanged if there is no fc6 and fc7.
    """
    reduced = dict(variables)
    tail = "fc6/weights"
    for name in variables:
        scope = name.removesuffix(tail)
        parts = [f"{scope}{layer}/{kind}" for layer in ("fc6", "fc7") for kind in ("weights", "biases")]
        if scope == name or (scope and not scope.endswith("/")) or not all(part in reduced for part in parts):
            continue
        fc6, fc6_biases, fc7, fc7_biases = (reduced.pop(part) for part in parts)
        fc6 = fc6.reshape(7, 7, -1, fc6.shape[-1])
        fc7 = fc7.reshape(1, 1, *fc7.shape[-2:])
        reduced[f"{scope}conv6/weights"] = fc6[::_KERNEL_STEP, ::_KERNEL_STEP, :, ::_CHANNEL_STEP]
        reduced[f"{scope}conv6/biases"] = fc6_biases[::_CHANNEL_STEP]
        reduced[f"{scope}conv7/weights"] = fc7[:, :, ::_CHANNEL_STEP, ::_CHANNEL_STEP]
        reduced[f"{scope}conv7/biases"] = fc7_biases[::_CHANNEL_STEP]
    return reduced


def _has_top(path: Path) -> bool:
    """Whether a weights file has the fully connected layers; False for what is none, which Keras refuses."""
    import h5py  # comes with Keras, which keeps its weights in this format

    try:
        with h5py.File(path) as file:
            return "fc1" in file
    except OSError:
        return False
