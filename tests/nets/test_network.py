import keras
import numpy as np
import pytest

from boxes.anchors import ANCHOR_LAYERS, anchor_layers
from nets import NETWORKS, get_network
from nets.network import background_prior
from nets.ssd_300_lite import FEATURE_SIZES


@pytest.mark.parametrize("find", [get_network, anchor_layers])
def test_an_unknown_network_lists_those_there_are(find):
    assert set(NETWORKS) == set(ANCHOR_LAYERS)
    with pytest.raises(ValueError, match=r"ssd_300_lite.*ssd_300_vgg"):
        find("yolo")


def test_every_network_needs_a_name_beside_background():
    for network in NETWORKS.values():
        with pytest.raises(ValueError, match=r"labels\.txt"):
            network.build(1)


@pytest.mark.jax_slow
def test_lite_puts_each_cells_outputs_at_its_anchors():
    """A bright spot moves the outputs of anchors near it more than those far away."""
    network = get_network("ssd_300_lite")
    keras.utils.set_random_seed(0)
    model = network.build(3)
    pictures = np.zeros((2, 300, 300, 3), "f")
    pictures[0, 220:250, 40:70] = 255.0  # centre at y 0.78, x 0.18
    outputs = {key: np.asarray(value) for key, value in model(pictures).items()}
    assert network.anchors.shape == (4 * sum(cells**2 for cells in FEATURE_SIZES), 4)
    assert outputs["codes"].shape == (2, len(network.anchors), 4)
    assert outputs["logits"].shape == (2, len(network.anchors), 3)
    assert 1_000_000 < model.count_params() < 2_000_000
    change = np.abs(outputs["codes"][0] - outputs["codes"][1]).sum(-1)
    fine = 4 * FEATURE_SIZES[0] ** 2
    anchors = network.anchors[:fine]
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    np.testing.assert_allclose(centres[np.argmax(change[:fine])], (0.78, 0.18), atol=0.12)


def test_background_is_three_times_as_likely_as_all_names_together():
    biases = np.asarray(keras.ops.convert_to_numpy(background_prior(9, 4)((36,)))).reshape(4, 9)
    probability = np.exp(biases) / np.exp(biases).sum(-1, keepdims=True)
    np.testing.assert_allclose(probability[:, 0], 0.75, rtol=1e-6)
    np.testing.assert_allclose(probability[:, 1:], 0.25 / 8, rtol=1e-6)


def test_the_seed_decides_about_fresh_weights_and_no_two_heads_are_alike():
    def kernels(seed):
        keras.utils.set_random_seed(seed)
        model = get_network("ssd_300_lite").build(3)
        return [np.asarray(model.get_layer(f"head{cells}.conv_cls").get_weights()[0]) for cells in (38, 19)]

    one, again, other = kernels(1), kernels(1), kernels(2)
    np.testing.assert_array_equal(one[0], again[0])
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[0], one[1])
    assert one[0].std() == pytest.approx(0.01, rel=0.1)
