"""The published SSD-VGG networks written in tf-slim, run in a graph: the witness for our Keras networks.

Written after SSD-Tensorflow's `nets/ssd_vgg_300.py` and `nets/ssd_vgg_512.py` (Apache-2.0), for
TensorFlow 2. Tests and `tools.slim_checkpoint --verify` compare with it.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_slim as slim

from files.reading import table_beside
from nets.ssd_vgg import RGB_MEAN

v1 = tf.compat.v1

# What differs between the published networks: by name, blocks and anchors.
PUBLISHED = table_beside(__file__)


def _multibox_layer(net, anchors: int, num_classes: int, normalize: bool):
    if normalize:
        with v1.variable_scope("L2Normalization"):
            gamma = v1.get_variable("gamma", [net.shape[-1]], initializer=tf.ones_initializer())
            net = tf.nn.l2_normalize(net, axis=-1, epsilon=1e-12) * gamma
    outputs = []
    for scope, values in (("conv_loc", 4), ("conv_cls", num_classes)):
        output: Any = slim.conv2d(net, anchors * values, [3, 3], activation_fn=None, scope=scope)
        outputs.append(tf.reshape(output, [-1, output.shape[1] * output.shape[2] * anchors, values]))
    return outputs


def _vgg(net):
    """The maps block4 and block7."""
    block4 = None
    for block, (repeats, channels) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512)], start=1):
        net = slim.repeat(net, repeats, slim.conv2d, channels, [3, 3], scope=f"conv{block}")
        block4 = net
        net = slim.max_pool2d(net, [2, 2], scope=f"pool{block}")
    net = slim.repeat(net, 3, slim.conv2d, 512, [3, 3], scope="conv5")
    net = slim.max_pool2d(net, [3, 3], stride=1, scope="pool5")
    net = slim.conv2d(net, 1024, [3, 3], rate=6, scope="conv6")
    return block4, slim.conv2d(net, 1024, [1, 1], scope="conv7")


def _extra(net, block: str, narrow: int, wide: int, kernel: int, stride: int, pad: int):
    with v1.variable_scope(block):
        net = slim.conv2d(net, narrow, [1, 1], scope="conv1x1")
        net = tf.pad(net, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        scope = f"conv{kernel}x{kernel}"
        return slim.conv2d(net, wide, [kernel, kernel], stride=stride, scope=scope, padding="VALID")


def _network(name: str, images, num_classes: int):
    maps, codes, logits = {}, [], []
    with v1.variable_scope(name), slim.arg_scope([slim.conv2d, slim.max_pool2d], padding="SAME"):
        maps["block4"], net = _vgg(images)
        maps["block7"] = net
        for number, shape in enumerate(PUBLISHED[name]["blocks"], start=8):
            net = maps[f"block{number}"] = _extra(net, f"block{number}", *shape)
        for (block, net), anchors in zip(maps.items(), PUBLISHED[name]["anchors"], strict=True):
            with v1.variable_scope(f"{block}_box"):
                outputs = _multibox_layer(net, anchors, num_classes, block == "block4")
            codes.append(outputs[0])
            logits.append(outputs[1])
    return {"codes": tf.concat(codes, axis=1), "logits": tf.concat(logits, axis=1)}


def run_witness(
    name: str, source: Mapping[str, np.ndarray] | Path, images: np.ndarray, num_classes: int
) -> dict[str, np.ndarray]:
    """Run the published network.

    Args:
        name: `ssd_300_vgg` or `ssd_512_vgg`.
        source: slim name with scope -> array, all of them and no others; or the prefix of a TensorFlow
            checkpoint, which `tf.train.Saver` then restores, with `global_step`, as SSD-Tensorflow does.
        images: float32 [B, S, S, 3] RGB minus (123, 117, 104).
        num_classes: with background.

    Returns:
        {"codes": [B, A, 4], "logits": [B, A, C]}.

    Raises:
        ValueError: a variable is missing, is not the network's, or has another shape.
    """
    with tf.Graph().as_default(), v1.Session() as session:
        placeholder = v1.placeholder(tf.float32, images.shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`layer.apply` is deprecated")  # tf-slim's convolutions
            outputs = _network(name, placeholder, num_classes)
        if isinstance(source, Path):
            _restore(session, source)
        else:
            _feed(session, source, name)
        return session.run(outputs, {placeholder: images})


def _restore(session, prefix: Path) -> None:
    v1.train.get_or_create_global_step()
    there = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
    for variable in v1.global_variables():
        found = there.get(variable.op.name)
        if found != variable.shape.as_list():
            raise ValueError(
                f"tf.train.Saver cannot restore {prefix}: {variable.op.name} of shape "
                f"{variable.shape.as_list()} is {'missing' if found is None else f'of shape {found}'} there."
            )
    v1.train.Saver().restore(session, str(prefix))


def _feed(session, variables: Mapping[str, np.ndarray], name: str) -> None:
    slots = {variable.op.name: variable for variable in v1.global_variables()}
    if slots.keys() != variables.keys():
        raise ValueError(f"{name} has other variables: {sorted(slots.keys() ^ variables.keys())}")
    for key, variable in slots.items():
        # The initializer's second input is the initial value: fed, no random number is drawn.
        session.run(variable.initializer, {variable.initializer.inputs[1]: variables[key]})


@dataclass(frozen=True)
class Difference:
    """How far the two networks are apart in one output."""

    output: str  # `codes` or `logits`
    values: int  # how many were compared
    largest_value: float  # largest absolute value of the witness
    largest_difference: float  # between the two


def compare_with_witness(
    model: keras.Model, name: str, source: Mapping[str, np.ndarray] | Path, images: np.ndarray
) -> list[Difference]:
    """Show both networks the same pictures.

    Args:
        name: as for `run_witness`, and `source` too.
        images: float32 [B, S, S, 3] RGB 0...255.
    """
    ours = model(images, training=False)
    num_classes = ours["logits"].shape[-1]
    theirs = run_witness(name, source, images - np.array(RGB_MEAN, np.float32), num_classes)
    return [
        Difference(
            output,
            expected.size,
            float(np.abs(expected).max()),
            # A value that is not a number would hide in a maximum of Python's, not in NumPy's.
            float(np.abs(np.array(ours[output]) - expected).max()),
        )
        for output, expected in theirs.items()
    ]
