import keras
import numpy as np
import pytest
from keras import layers

import nets
from boxes.anchors import AnchorLayer
from nets.network import Network
from nets.slim_files import write_slim_checkpoint
from nets.slim_names import slim_variables

NAMES = ("千反田える", "折木奉太郎", "Ibara")


def small_vgg(num_classes: int) -> keras.Model:
    """The beginning of ssd_300_vgg, with heads for two anchors: 8 variables."""
    images = keras.Input((8, 8, 3), name="images")
    features = layers.Conv2D(4, 3, padding="same", name="conv1.conv1_1")(images)
    features = layers.Conv2D(4, 8, name="conv6")(features)
    codes = layers.Conv2D(8, 1, name="block4_box.conv_loc")(features)
    logits = layers.Conv2D(2 * num_classes, 1, name="block4_box.conv_cls")(features)
    outputs = {"codes": layers.Reshape((2, 4))(codes), "logits": layers.Reshape((2, num_classes))(logits)}
    return keras.Model(images, outputs, name="small_vgg")


def small_lite(num_classes: int) -> keras.Model:
    """Another network, none of whose names is one of small_vgg's: 2 variables."""
    images = keras.Input((8, 8, 3), name="images")
    outputs = layers.Conv2D(1 * num_classes, 8, name="stage1.conv_cls")(images)
    return keras.Model(images, {"logits": outputs}, name="small_lite")


def small_other(num_classes: int) -> keras.Model:
    """A network that has one layer's name from small_vgg: 4 variables."""
    images = keras.Input((8, 8, 3), name="images")
    features = layers.Conv2D(4, 3, name="conv1.conv1_1")(images)
    logits = layers.Conv2D(num_classes, 6, name="block9_box.conv_cls")(features)
    return keras.Model(images, {"logits": logits}, name="small_other")


@pytest.fixture
def small_networks(monkeypatch):
    """Only small networks are known, so that trying all of them is quick."""
    shapes = ((0.5, 0.5), (0.3, 0.6))
    for name in list(nets.NETWORKS):
        monkeypatch.delitem(nets.NETWORKS, name)
    for name, build in (("small_vgg", small_vgg), ("small_lite", small_lite)):
        network = Network(name, 8, (AnchorLayer(1, 1, 1.0, shapes),), build, jit_on_cpu=False)
        monkeypatch.setitem(nets.NETWORKS, name, network)


@pytest.fixture
def variables(small_networks, rng):
    """All of small_vgg for three names, as a training of SSD-Tensorflow leaves it."""
    shapes = slim_variables(nets.get_network("small_vgg").build(4), "small_vgg")
    weights = {name: rng.normal(size=value.shape).astype(np.float32) for name, value in shapes.items()}
    slots = {f"{name}/Adam": np.ones_like(value) for name, value in weights.items()}
    return {**weights, **slots, "beta1_power": np.float32(0.9), "global_step": np.int64(1234)}


@pytest.fixture
def source(variables, tmp_path):
    """A TensorFlow checkpoint of them."""
    there = {name: value for name, value in variables.items() if name != "global_step"}
    return write_slim_checkpoint(tmp_path / "source", there, 1234)
