import keras
import numpy as np
import pytest
from keras import layers

from nets.normalised_convolution import NormalisedConvolution

KINDS = [(None, 3, 2), (None, 3, 1), (5, 1, 1), (5, 3, 2)]


def written_out(layer: NormalisedConvolution):
    """The same as three layers of Keras with the same weights: convolution, normalisation, ReLU6."""
    size = {"kernel_size": layer.kernel_size, "strides": layer.strides, "padding": "same", "use_bias": False}
    convolution = layers.DepthwiseConv2D(**size) if layer.depthwise else layers.Conv2D(layer.channels, **size)
    norm = layers.BatchNormalization(epsilon=0.001, momentum=0.97)
    model = keras.Sequential([keras.Input((7, 6, 4)), convolution, norm, layers.ReLU(6.0)])
    convolution.set_weights([np.asarray(layer.kernel)])
    norm.set_weights(layer.norm.get_weights())
    return model, norm


def filled(kind, rng) -> NormalisedConvolution:
    layer = NormalisedConvolution(*kind)
    layer.build((None, 7, 6, 4))
    for weight in layer.weights:
        weight.assign(rng.uniform(0.2, 1.5, weight.shape))
    return layer


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_three_layers_and_only_training_moves_its_statistics(kind, training, rng):
    layer = filled(kind, rng)
    images = rng.normal(size=(2, 7, 6, 4)).astype("f")
    model, norm = written_out(layer)
    expected = np.asarray(model(images, training=training))
    before = np.asarray(layer.norm.moving_mean).copy()
    np.testing.assert_allclose(np.asarray(layer(images, training=training)), expected, atol=2e-5)
    np.testing.assert_allclose(np.asarray(layer.norm.moving_mean), np.asarray(norm.moving_mean), atol=1e-5)
    assert np.array_equal(np.asarray(layer.norm.moving_mean), before) is not training


def test_a_frozen_norm_trains_as_in_inference_and_learns_nothing(rng):
    layer = filled((5, 3, 1), rng)
    images = rng.normal(size=(2, 7, 6, 4)).astype("f")
    expected = np.asarray(layer(images))
    layer.norm.trainable = False
    before = layer.norm.get_weights()
    np.testing.assert_array_equal(np.asarray(layer(images, training=True)), expected)
    for value, was in zip(layer.norm.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, was)
    assert [weight.name for weight in layer.trainable_weights] == ["kernel"]


def test_it_can_be_written_down_and_made_again():
    layer = NormalisedConvolution(None, 3, 2, activation=None, name="a.b")
    again = NormalisedConvolution.from_config(layer.get_config())
    assert (again.channels, again.kernel_size, again.strides, again.name) == (None, 3, 2, "a.b")
    assert again.activation is keras.activations.linear


def test_it_computes_in_half_precision(rng):
    layer = NormalisedConvolution(5, 1, dtype="mixed_bfloat16")
    layer.build((None, 7, 6, 4))
    images = rng.normal(size=(2, 7, 6, 4)).astype("f")
    layer.norm.trainable = False
    outputs = layer(images, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(layer.kernel.dtype) == "float32"
