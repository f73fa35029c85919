import keras
import numpy as np
import pytest

from nets import get_network
from nets.heads import background_prior, names_from_sigmoid


def test_background_is_three_times_as_likely_as_all_names_together():
    biases = np.asarray(keras.ops.convert_to_numpy(background_prior(9, 4)((36,)))).reshape(4, 9)
    probability = np.exp(biases) / np.exp(biases).sum(-1, keepdims=True)
    np.testing.assert_allclose(probability[:, 0], 0.75, rtol=1e-6)
    np.testing.assert_allclose(probability[:, 1:], 0.25 / 8, rtol=1e-6)


def test_names_add_up_to_what_a_sigmoid_said(rng):
    kernel, bias = rng.normal(size=(1, 1, 5, 2 * 7)), rng.normal(size=2 * 7)  # two anchors, seven classes
    features = rng.normal(size=(4, 5))
    said = (features @ kernel[0, 0] + bias).reshape(4, 2, 7)[..., 3]
    kernel = names_from_sigmoid(kernel, 3, anchors=2, num_classes=4)
    bias = names_from_sigmoid(bias, 3, anchors=2, num_classes=4)
    assert (kernel.shape, bias.shape) == ((1, 1, 5, 8), (8,))
    powers = np.exp((features @ kernel[0, 0] + bias).reshape(4, 2, 4))
    names = powers[..., 1:] / powers.sum(-1, keepdims=True)
    np.testing.assert_allclose(names.sum(-1), 1 / (1 + np.exp(-said)), rtol=1e-5)
    np.testing.assert_allclose(names[..., 0], names[..., 2])


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
