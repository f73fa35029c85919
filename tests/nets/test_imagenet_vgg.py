from typing import Any

import h5py
import keras
import numpy as np
import pytest

from nets.imagenet_vgg import load_imagenet, reduce_fully_connected
from nets.slim_names import load_slim_variables
from nets.ssd_300_vgg import NETWORK


def test_fc6_and_fc7_are_sampled_as_in_the_reduced_network():
    fc6 = np.arange(7 * 7 * 2 * 8, dtype=np.float32).reshape(7, 7, 2, 8)
    fc7 = np.arange(64, dtype=np.float32).reshape(8, 8)
    source = {
        "vgg_16/fc6/weights": fc6,
        "vgg_16/fc6/biases": np.arange(8.0),
        "vgg_16/fc7/weights": fc7.reshape(1, 1, 8, 8),
        "vgg_16/fc7/biases": np.arange(10.0, 18.0),
        "vgg_16/fc8/biases": np.arange(5.0),
    }
    reduced = reduce_fully_connected(source)
    assert set(reduced) == {
        *("vgg_16/conv6/weights", "vgg_16/conv6/biases", "vgg_16/conv7/weights", "vgg_16/conv7/biases"),
        "vgg_16/fc8/biases",
    }
    # Rows and columns 0, 3, 6 of 7; outputs 0 and 4 of 8.
    assert reduced["vgg_16/conv6/weights"].shape == (3, 3, 2, 2)
    assert reduced["vgg_16/conv6/weights"][1, 2, 1, 1] == fc6[3, 6, 1, 4]
    np.testing.assert_array_equal(reduced["vgg_16/conv6/biases"], [0, 4])
    np.testing.assert_array_equal(reduced["vgg_16/conv7/weights"], [[[[0, 4], [32, 36]]]])
    np.testing.assert_array_equal(reduced["vgg_16/conv7/biases"], [10, 14])

    as_matrices = {**source, "vgg_16/fc6/weights": fc6.reshape(98, 8), "vgg_16/fc7/weights": fc7}
    for name, array in reduce_fully_connected(as_matrices).items():
        np.testing.assert_array_equal(array, reduced[name])


def test_without_fully_connected_layers_nothing_changes():
    source = {"conv1/conv1_1/weights": np.ones(3), "other_fc6/weights": np.ones(3)}
    assert reduce_fully_connected(source) == source


@pytest.fixture
def first_layer():
    """A model that starts as VGG does."""
    images = keras.Input((4, 4, 3))
    return keras.Model(images, keras.layers.Conv2D(64, 3, name="conv1.conv1_1")(images), name="start")


def test_imagenet_is_refused_for_a_network_that_is_not_vgg():
    images = keras.Input((4, 4, 3))
    model = keras.Model(images, keras.layers.Conv2D(1, 1, name="stage1")(images), name="small")
    with pytest.raises(ValueError, match="VGG-16, which small is not built on"):
        load_imagenet(model)


def test_a_file_that_is_not_there(first_layer, tmp_path):
    with pytest.raises(ValueError, match=r"No file .*vgg16\.h5"):
        load_imagenet(first_layer, tmp_path / "vgg16.h5")


def test_a_file_that_is_no_weights_file(first_layer, tmp_path):
    (tmp_path / "vgg16.h5").write_text("nothing")
    with pytest.raises(ValueError, match=r"vgg16\.h5 could not be read"):
        load_imagenet(first_layer, tmp_path / "vgg16.h5")


def write_published_h5(model: keras.Model, path):
    """The layout of the .h5 files of keras.applications: a group per layer, names in attributes."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}_{kind}_1:0" for kind in ("W", "b")] if layer.weights else []
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = np.array(weight)


@pytest.mark.tensorflow_only
def test_features_equal_those_of_keras_applications(rng, tmp_path):
    """Colour order and mean are right: the same picture gives the same conv4_3 in both networks."""
    untrained: Any = None
    theirs = keras.applications.VGG16(include_top=False, weights=untrained, input_shape=(300, 300, 3))
    for weight in theirs.weights:
        scale = np.sqrt(2 / np.prod(weight.shape[:-1])) if weight.name == "kernel" else 0.05
        weight.assign(scale * rng.standard_normal(weight.shape, np.float32))
    write_published_h5(theirs, tmp_path / "vgg16_notop.h5")
    ours = NETWORK.build(2)
    report = load_imagenet(ours, tmp_path / "vgg16_notop.h5")
    assert len(report.restored) == 26
    assert report.skipped == []

    picture = rng.uniform(0, 255, (1, 300, 300, 3)).astype(np.float32)
    prepared = keras.applications.vgg16.preprocess_input(picture.copy())
    expected = keras.Model(theirs.input, theirs.get_layer("block4_conv3").output)(prepared)
    features = keras.Model(ours.input, ours.get_layer("conv4.conv4_3").output)(picture)
    # The border is left out: zeros around the picture mean another colour when the mean is another, and
    # pool3 makes 38 cells of 75 here, 37 there.
    inside = (slice(None), slice(8, 28), slice(8, 28))
    expected, features = np.array(expected)[inside], np.array(features)[inside]
    assert expected.std() > 1.0  # not dead
    np.testing.assert_allclose(features, expected, atol=1e-3 * expected.std())


@pytest.mark.tensorflow_only
def test_the_npz_of_imagenet_weights_restores_the_trunk(shared):
    model = NETWORK.build(2)
    report = load_slim_variables(model, shared / "weights" / "vgg16_imagenet_conv.npz")
    assert len(report.restored) == 26
    assert report.skipped == []
    assert len(report.missing) == 71 - 26
    assert all(name.startswith("vgg_16/") for name in report.restored)
