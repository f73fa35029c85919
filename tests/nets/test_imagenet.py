import warnings
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from datasets.pictures import read_picture
from engine.training.start import starting_weights
from nets import get_network
from nets.imagenet import load_imagenet, reduce_fully_connected
from nets.slim_names import load_slim_variables
from nets.ssd_vgg import RGB_MEAN
from preprocessing.resize import resize_picture
from tests.conftest import ROOT

NETWORK = get_network("ssd_300_vgg")

DEMO_PICTURE = min((ROOT / "demo").glob("*.jpg"))


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


def starting_with(layer: str) -> keras.Model:
    images = keras.Input((4, 4, 3))
    return keras.Model(images, keras.layers.Conv2D(64, 3, name=layer)(images), name="small")


def test_imagenet_is_refused_for_a_network_that_is_not_vgg():
    with pytest.raises(ValueError, match="VGG-16, which small is not built on"):
        load_imagenet(starting_with("stage1"))


def test_a_file_that_is_not_there_or_no_weights_file(tmp_path):
    model = starting_with("conv1.conv1_1")  # as VGG does
    with pytest.raises(ValueError, match=r"No file .*vgg16\.h5"):
        load_imagenet(model, tmp_path / "vgg16.h5")
    (tmp_path / "vgg16.h5").write_text("nothing")
    with pytest.raises(ValueError, match=r"vgg16\.h5 could not be read"):
        load_imagenet(model, tmp_path / "vgg16.h5")


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
@pytest.mark.slow
def test_features_of_vgg_equal_those_of_keras_applications(rng, tmp_path):
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

    size = NETWORK.image_size
    picture = np.array(resize_picture(read_picture(DEMO_PICTURE), size))[None]
    assert abs(picture[..., 0].mean() - picture[..., 2].mean()) > 5  # red and blue are not alike
    prepared = keras.applications.vgg16.preprocess_input(picture.copy())
    layers = ["block4_conv3", "block5_conv3"]
    expected = keras.Model(theirs.input, [theirs.get_layer(name).output for name in layers])(prepared)
    layers = ["conv4.conv4_3", "conv5.conv5_3"]
    features = keras.Model(ours.input, [ours.get_layer(name).output for name in layers])(picture)
    # The border is left out: zeros around the picture mean another colour when the mean is another, and
    # pool3 makes 38 cells of 75 here, 37 there. What a cell sees of the picture is 92 and 196 pixels wide.
    for stride, sees, theirs_now, ours_now in zip((8, 16), (92, 196), expected, features, strict=True):
        cells = slice(-(-sees // 2 // stride), (size - sees // 2) // stride)
        theirs_now, ours_now = (np.array(one)[:, cells, cells] for one in (theirs_now, ours_now))
        assert theirs_now.shape[1] >= 5
        assert theirs_now.std() > 1.0  # not dead
        np.testing.assert_allclose(ours_now, theirs_now, atol=1e-3 * theirs_now.std())


@pytest.mark.slow  # VGG-16 with its fully connected layers has 138 million parameters
@pytest.mark.tensorflow_only
def test_a_vgg_16_ckpt_of_tf_slim_starts_the_network(tmp_path, rng):
    """tf-slim's own VGG-16, saved by tf.train.Saver: same conv5_3, and conv6 is fc6 where it is looked at."""
    import tensorflow as tf
    from tf_slim.nets import vgg

    v1 = tf.compat.v1
    picture = np.array(resize_picture(read_picture(DEMO_PICTURE), 224))[None] - np.array(RGB_MEAN)
    with tf.Graph().as_default(), v1.Session() as session:
        placeholder = v1.placeholder(tf.float32, picture.shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`layer.apply` is deprecated")
            _, end_points = vgg.vgg_16(placeholder, is_training=False)
        for variable in v1.global_variables():
            shape = variable.shape.as_list()
            scale = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 0.05
            value = scale * rng.standard_normal(shape, np.float32)
            session.run(variable.initializer, {variable.initializer.inputs[1]: value})
        v1.train.Saver().save(session, str(tmp_path / "vgg_16.ckpt"), write_meta_graph=False)
        expected = session.run(end_points["vgg_16/conv5/conv5_3"], {placeholder: picture})

    ours = NETWORK.build(2)
    start = starting_weights(ours, NETWORK, ["one"], str(tmp_path / "vgg_16.ckpt"))
    assert len(start.restored) == 30  # 13 convolutions, conv6 and conv7
    # 224 pixels have no odd size on the way, so the two networks see the same borders, too.
    trunk = keras.Sequential([keras.Input((224, 224, 3)), *_layers_until(ours, "conv5.conv5_3")])
    features = np.array(trunk(picture + np.array(RGB_MEAN)))
    np.testing.assert_allclose(features, expected, atol=1e-4 * expected.std())
    # fc6 looks at 7x7 cells of the pooled map. Fed with nothing but the 3x3 that conv6 has kept, it gives in
    # every fourth output what conv6 gives.
    pooled = rng.standard_normal((1, 7, 7, 512), np.float32)
    kept = np.zeros_like(pooled)
    kept[:, ::3, ::3] = pooled[:, ::3, ::3]
    reader = tf.train.load_checkpoint(str(tmp_path / "vgg_16.ckpt"))
    weights, biases = (reader.get_tensor(f"vgg_16/fc6/{kind}") for kind in ("weights", "biases"))
    theirs = (np.einsum("yxc,yxco->o", kept[0], weights) + biases)[::4]
    kernel, bias = (np.array(weight) for weight in ours.get_layer("conv6").weights)
    mine = np.einsum("yxc,yxco->o", pooled[0, ::3, ::3], kernel) + bias
    np.testing.assert_allclose(mine, theirs, atol=1e-4 * theirs.std())


def _layers_until(model, name):
    """The layers of a chain, without the input, up to one."""
    chain = model.layers[1:]
    return chain[: [layer.name for layer in chain].index(name) + 1]


@pytest.mark.tensorflow_only
def test_the_npz_of_imagenet_weights_restores_the_trunk(shared):
    model = NETWORK.build(2)
    report = load_slim_variables(model, shared / "weights" / "vgg16_imagenet_conv.npz")
    assert len(report.restored) == 26
    assert report.skipped == []
    assert len(report.missing) == 71 - 26
    assert all(name.startswith("vgg_16/") for name in report.restored)
