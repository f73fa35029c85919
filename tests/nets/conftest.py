from types import SimpleNamespace

import keras
import pytest

from nets import get_network
from nets.slim_names import load_slim_variables, slim_variables
from tests.nets.seeded_weights import seeded_weights

NETWORK = get_network("ssd_300_vgg")


@pytest.fixture(scope="session")
def seeded_vgg():
    """`ssd_300_vgg` with 21 classes and seeded weights: .network, .model, .variables; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        # All weights are replaced below, and JAX takes ten seconds to compile a random draw for each shape.
        zeros = keras.initializers.Zeros()
        patch.setattr(keras.initializers.GlorotUniform, "__call__", lambda _, *args, **kw: zeros(*args, **kw))
        model = NETWORK.build(21)
    names = slim_variables(model, "ssd_300_vgg")
    variables = seeded_weights({name: value.shape for name, value in names.items()})
    load_slim_variables(model, variables, scope="ssd_300_vgg")
    return SimpleNamespace(network=NETWORK, model=model, variables=variables)
