import zlib
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nets import get_network
from nets.network import Network
from nets.slim_names import load_slim_variables, slim_variables

NETWORK = get_network("ssd_300_vgg")


def seeded_weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Slim name with scope -> shape, to -> float32 array of values that follow from the name."""
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


def without_draws(network: Network, num_classes: int) -> keras.Model:
    """With ones for random weights: JAX takes ten seconds to compile a random draw of each shape."""
    ones = keras.initializers.Ones()
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("GlorotUniform", "RandomNormal", "HeNormal"):
            kind = getattr(keras.initializers, kind)
            patch.setattr(kind, "__call__", lambda _, *args, **kw: ones(*args, **kw))
        return network.build(num_classes)


@pytest.fixture(scope="session")
def seeded_vgg():
    """`ssd_300_vgg` with 21 classes and seeded weights: .network, .model, .variables; not to be changed."""
    model = without_draws(NETWORK, 21)
    names = slim_variables(model, "ssd_300_vgg")
    variables = seeded_weights({name: value.shape for name, value in names.items()})
    load_slim_variables(model, variables, scope="ssd_300_vgg")
    return SimpleNamespace(network=NETWORK, model=model, variables=variables)
