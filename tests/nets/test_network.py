import keras
import numpy as np
import pytest

from nets import get_network
from nets.network import background_prior


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
