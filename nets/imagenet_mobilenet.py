"""MobileNetV2 as trained on ImageNet: starting weights of ssd_300_mobilenet_v2 where COCO's are not wanted.

keras.applications' network takes RGB in -1...1 and pads as ours does, so its variables are taken as they are.
"""

from pathlib import Path

import keras
import numpy as np

from nets.slim_names import SlimReport, load_slim_variables

TRUNK = "FeatureExtractor/MobilenetV2"


def load_imagenet_mobilenet(model: keras.Model, path: Path | None = None) -> SlimReport:
    """Give ssd_300_mobilenet_v2 the ImageNet weights of keras.applications, in place.

    Args:
        model: the network.
        path: a `mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5` already on this machine.
            None: what Keras has downloaded before, or downloads now (9 MB).

    Raises:
        ValueError: the weights cannot be had.
    """
    if path is not None and not path.is_file():
        raise ValueError(f"No file {path}. Give the .h5 file (no_top) of keras.applications' MobileNetV2.")
    try:
        weights = "imagenet" if path is None else str(path)
        source = keras.applications.MobileNetV2((224, 224, 3), include_top=False, weights=weights)
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise ValueError(
            f"{path or 'the ImageNet weights of keras.applications'} could not be read: {error}. Without a "
            "network, give an .npz file or a TensorFlow checkpoint as the checkpoint path."
        ) from error
    return load_slim_variables(model, mobilenet_variables(source), scope="")


def mobilenet_variables(model: keras.Model) -> dict[str, np.ndarray]:
    """Variables of a keras.applications MobileNetV2 under the names of the Object Detection API."""
    variables = {}
    for layer in model.layers:
        if not layer.weights:
            continue
        scope = f"{TRUNK}/{_api_layer(layer.name)}"
        if isinstance(layer, keras.layers.BatchNormalization):
            scope += "/BatchNorm"
            names = ("gamma", "beta", "moving_mean", "moving_variance")
        else:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            names = ("depthwise_weights",) if depthwise else ("weights",)
        for name, weight in zip(names, layer.weights, strict=True):
            variables[f"{scope}/{name}"] = np.array(weight)
    return variables


def _api_layer(name: str) -> str:
    """`Conv1`, `bn_Conv1` -> `Conv`; `block_1_expand`, `block_1_expand_BN` -> `expanded_conv_1/expand`."""
    name = name.removeprefix("bn_").removesuffix("_BN").removesuffix("_bn")
    if name in ("Conv1", "Conv_1"):
        return {"Conv1": "Conv", "Conv_1": "Conv_1"}[name]
    block, _, part = name.replace("block_", "expanded_conv_").rpartition("_")
    return f"{block}/{part}"
