"""A convolution with batch normalisation, computed as one convolution wherever the statistics stand still.

Then the normalisation is a factor and a shift for each channel. The factor goes into the kernel, which is
small, instead of onto the feature map, which is large: the same function, without two passes over the map
forward and one backward. What both gain: benchmarks/fine_tuning.py.
"""

from typing import Any

import keras
from keras import layers, ops

NORM = "BatchNorm"  # the scope of slim.batch_norm


class NormalisedConvolution(layers.Layer):
    """Convolution without bias, batch normalisation, activation; keeps the size of the map but for strides.

    Batches are normalised by their own statistics only while both the training runs and `norm.trainable` is
    true; frozen, by `norm.trainable = False`, it keeps its statistics, scales and shifts, as Keras' own layer
    does.
    """

    def __init__(
        self,
        channels: int | None,
        kernel_size: int,
        strides: int = 1,
        activation: str | None = "relu6",
        **kwargs,
    ):
        """Args as those of Conv2D.

        Args:
            channels: of the output; None for a depthwise convolution, which has those of its input.
        """
        super().__init__(**kwargs)
        self.channels, self.kernel_size, self.strides = channels, kernel_size, strides
        self.activation: Any = keras.activations.get(activation)
        # 0.001: the epsilon of the MobileNets of TensorFlow (slim/nets/mobilenet) and of keras.applications.
        # The moving statistics' memory is short, since trainings are too.
        self.norm: Any = layers.BatchNormalization(epsilon=0.001, momentum=0.97, name=NORM)

    @property
    def depthwise(self) -> bool:
        """Whether every channel has a kernel of its own."""
        return self.channels is None

    def build(self, input_shape):
        """Create the kernel, named as tf-slim names it, and what the normalisation needs."""
        sides = (self.kernel_size, self.kernel_size)
        shape = (*sides, input_shape[-1], 1 if self.channels is None else self.channels)
        # Variance scaling by the 9 inputs of an output: He's fan of a depthwise kernel counts all channels.
        small = keras.initializers.RandomNormal(stddev=(2 / self.kernel_size**2) ** 0.5)
        start: Any = small if self.depthwise else "he_normal"
        name = "depthwise_weights" if self.depthwise else "kernel"
        self.kernel: Any = self.add_weight(name=name, shape=shape, initializer=start)
        self.norm.build((*input_shape[:-1], self.channels or input_shape[-1]))

    def call(self, inputs, training=False):
        """[B, H, W, channels] -> [B, H / strides, W / strides, channels]."""
        if training and self.norm.trainable:
            return self.activation(self.norm(self._convolve(inputs, self.kernel), training=True))
        kernel, shift = self.folded()
        if self.kernel_size > 1 or self.strides > 1:
            return self.activation(ops.add(self._convolve(inputs, kernel), shift))
        # 1x1: a matrix product, whose gradients TensorFlow computes faster than a convolution's.
        pixels = ops.reshape(inputs, (-1, inputs.shape[-1]))
        pixels = self.activation(ops.add(ops.matmul(pixels, kernel[0, 0]), shift))
        return ops.reshape(pixels, (-1, *inputs.shape[1:3], shift.shape[0]))

    def folded(self):
        """The kernel and the shifts [channels] of the one convolution that this layer is in inference."""
        # In float32 whatever the policy: the sums of the statistics are never kept in less.
        norm = self.norm
        known = self.kernel, norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance
        kernel, gamma, beta, mean, variance = (ops.cast(variable, "float32") for variable in known)
        scale = gamma * ops.rsqrt(variance + norm.epsilon)
        kernel = kernel * (scale[:, None] if self.depthwise else scale)
        return ops.cast(kernel, self.compute_dtype), ops.cast(beta - mean * scale, self.compute_dtype)

    def _convolve(self, inputs, kernel):
        convolve = ops.depthwise_conv if self.depthwise else ops.conv
        return convolve(inputs, kernel, strides=self.strides, padding="same", data_format="channels_last")
