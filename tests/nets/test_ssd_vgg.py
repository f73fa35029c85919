import json

import keras
import numpy as np
import pytest

from nets import get_network
from nets.slim_names import load_slim_variables, slim_variables
from nets.ssd_vgg import RGB_MEAN, L2Normalization
from tests.nets.conftest import seeded_weights

pytestmark = pytest.mark.jax_slow

NETWORK = get_network("ssd_300_vgg")
MEAN = np.array(RGB_MEAN, np.float32)


def test_first_and_last_anchor_by_hand(seeded_vgg):
    anchors = seeded_vgg.network.anchors
    # conv4_3: a square of 21 pixels around (4, 4) of 300, then one of sqrt(21 · 45).
    for anchor, side in zip(anchors, (21, (21 * 45) ** 0.5), strict=False):
        np.testing.assert_allclose(anchor * 300, [4 - side / 2] * 2 + [4 + side / 2] * 2, atol=1e-4)
    # The last map: one cell; 261 pixels high at ratio 1, here ratio 1/2: higher than wide.
    height, width = 261 * 2**0.5, 261 / 2**0.5
    expected = [150 - height / 2, 150 - width / 2, 150 + height / 2, 150 + width / 2]
    np.testing.assert_allclose(anchors[-1] * 300, expected, atol=1e-3)


@pytest.mark.tensorflow_only
@pytest.mark.parametrize(
    ("name", "variables", "parameters"), [("ssd_300_vgg", 71, 26_285_486), ("ssd_512_vgg", 79, 27_188_676)]
)
def test_variables_are_those_of_ssd_tensorflow(shared, name, variables, parameters):
    golden = json.loads((shared / "golden" / "variables.json").read_text())[name]
    model = get_network(name).build(21)
    ours = {name: list(value.shape) for name, value in slim_variables(model, name).items()}
    assert ours == dict(golden["variables"])
    assert (len(ours), model.count_params()) == (variables, parameters)


@pytest.mark.parametrize(("name", "maps", "anchors"), [("ssd_300_vgg", 6, 8732), ("ssd_512_vgg", 7, 24564)])
def test_anchors_are_those_of_ssd_tensorflow(shared, name, maps, anchors):
    golden = np.load(shared / "golden" / "anchors.npz", allow_pickle=False)
    layers = []
    for layer in range(maps):
        y, x, h, w = (golden[f"{name}/{layer}/{key}"] for key in "yxhw")
        layers.append(np.stack([y - h / 2, x - w / 2, y + h / 2, x + w / 2], axis=-1).reshape(-1, 4))
    assert get_network(name).anchors.shape == (anchors, 4)
    np.testing.assert_allclose(get_network(name).anchors, np.concatenate(layers), atol=1e-6)


def test_forward_pass_equals_ssd_tensorflow(seeded_vgg, shared):
    golden = np.load(shared / "golden" / "forward_ssd_300_vgg.npz", allow_pickle=False)
    outputs = seeded_vgg.model(golden["input"][None] + MEAN)
    for ours, theirs in (("codes", "localisations"), ("logits", "logits")):
        expected = [golden[f"{theirs}_{layer}"] for layer in range(6)]
        flat = np.concatenate([array.reshape(1, -1, array.shape[-1]) for array in expected], axis=1)
        np.testing.assert_allclose(np.array(outputs[ours]), flat, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.tensorflow_only
@pytest.mark.parametrize(("name", "anchors"), [("ssd_300_vgg", 8732), ("ssd_512_vgg", 24564)])
def test_outputs_equal_the_network_written_in_tf_slim(name, anchors, rng):
    from ssd_tensorflow.witness import run_witness

    network = get_network(name)
    model = network.build(3)
    shapes = {key: value.shape for key, value in slim_variables(model, name).items()}
    variables = seeded_weights(shapes)
    load_slim_variables(model, variables, scope=name)
    images = rng.uniform(0, 255, (1, network.image_size, network.image_size, 3)).astype(np.float32)
    expected = run_witness(name, variables, images - MEAN, num_classes=3)
    outputs = model(images)
    assert expected["codes"].shape == (1, anchors, 4)
    assert np.abs(expected["codes"]).max() > 1.0  # the seeded weights say something
    for key, value in expected.items():
        np.testing.assert_allclose(np.array(outputs[key]), value, atol=1e-4, rtol=0)


@pytest.mark.tensorflow_only
def test_fresh_scale_of_the_normalisation_is_20_and_classes_follow_the_argument():
    model = NETWORK.build(4)
    variables = slim_variables(model)
    gamma = variables["block4_box/L2Normalization/gamma"]
    np.testing.assert_array_equal(gamma, np.full(512, 20.0, np.float32))
    assert variables["block7_box/conv_cls/biases"].shape == (6 * 4,)
    shapes = {name: output.shape for name, output in model.output.items()}
    assert shapes == {"codes": (None, 8732, 4), "logits": (None, 8732, 4)}


def test_normalisation_by_hand_of_nothing_and_from_its_config():
    layer = L2Normalization.from_config(L2Normalization(name="norm").get_config())
    assert (layer.name, layer.compute_dtype) == ("norm", "float32")
    features = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    np.testing.assert_allclose(np.array(layer(features)), [[12.0, 16.0], [0.0, 0.0]], rtol=1e-6)


def test_normalisation_survives_dead_pixels_in_training():
    model = keras.Sequential([keras.Input((2, 3)), keras.layers.Dense(3), L2Normalization()])
    model.compile("sgd", "mse")
    # The bias starts at zero, so a zero input gives a zero vector to normalise.
    model.fit(np.zeros((4, 2, 3), np.float32), np.ones((4, 2, 3), np.float32), verbose=0)  # pyright: ignore[reportArgumentType]
    assert all(np.isfinite(np.array(weight)).all() for weight in model.weights)


@pytest.mark.tensorflow_only  # two forward passes; the other backend would prove the same arithmetic
@pytest.mark.slow
def test_fresh_blocks_behind_vgg_pass_the_picture_on():
    """With Glorot's start block11 gave a twenty-fifth of what conv6 gave, and the network did not learn."""
    keras.utils.set_random_seed(0)
    model = NETWORK.build(3)
    layers = [model.get_layer(name).output for name in ("conv6", "block8.conv3x3", "block11.conv3x3")]
    images = np.random.default_rng(0).uniform(0, 255, (2, 300, 300, 3)).astype(np.float32)
    first, middle, last = (np.std(np.asarray(x)) for x in keras.Model(model.input, layers)(images))
    assert middle > 0.3 * first
    assert last > 0.3 * first
