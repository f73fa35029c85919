"""Weights that anyone can rebuild from a variable's name: the recipe of the golden forward pass."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np


def seeded_weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Slim name with scope -> shape, to slim name -> float32 array."""
    return {name: _seeded(name, tuple(shape)) for name, shape in shapes.items()}


def _seeded(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith("/weights"):
        value = rng.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape)
        if name.endswith("/conv1_1/weights"):
            value = value / 64
    elif name.endswith("/biases"):
        value = rng.normal(0, 0.05, shape)
    else:
        value = rng.normal(20, 1, shape)
    return value.astype(np.float32)
