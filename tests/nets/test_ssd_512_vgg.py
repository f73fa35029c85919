import json

import numpy as np
import pytest

from nets import get_network
from nets.slim_names import load_slim_variables, slim_variables
from nets.ssd_vgg import RGB_MEAN
from tests.nets.seeded_weights import seeded_weights

NETWORK = get_network("ssd_512_vgg")


def test_anchors_are_those_of_ssd_tensorflow(shared):
    golden = np.load(shared / "golden" / "anchors.npz", allow_pickle=False)
    layers = []
    for layer in range(7):
        y, x, h, w = (golden[f"ssd_512_vgg/{layer}/{key}"] for key in "yxhw")
        layers.append(np.stack([y - h / 2, x - w / 2, y + h / 2, x + w / 2], axis=-1).reshape(-1, 4))
    assert NETWORK.anchors.shape == (24564, 4)
    np.testing.assert_allclose(NETWORK.anchors, np.concatenate(layers), atol=1e-6)


@pytest.mark.tensorflow_only
def test_variables_are_those_of_ssd_tensorflow(shared):
    golden = json.loads((shared / "golden" / "variables.json").read_text())["ssd_512_vgg"]
    model = NETWORK.build(21)
    ours = {name: list(value.shape) for name, value in slim_variables(model, "ssd_512_vgg").items()}
    assert ours == dict(golden["variables"])
    assert len(ours) == 79
    assert model.count_params() == 27_188_676


@pytest.mark.tensorflow_only
def test_outputs_equal_the_network_written_in_tf_slim(rng):
    from ssd_tensorflow.witness import run_witness

    model = NETWORK.build(3)
    shapes = {name: value.shape for name, value in slim_variables(model, "ssd_512_vgg").items()}
    variables = seeded_weights(shapes)
    load_slim_variables(model, variables, scope="ssd_512_vgg")
    images = rng.uniform(0, 255, (1, 512, 512, 3)).astype(np.float32)
    mean = np.array(RGB_MEAN, np.float32)
    expected = run_witness("ssd_512_vgg", variables, images - mean, num_classes=3)
    outputs = model(images)
    assert expected["codes"].shape == (1, 24564, 4)
    assert np.abs(expected["codes"]).max() > 1.0  # the seeded weights say something
    for key, value in expected.items():
        np.testing.assert_allclose(np.array(outputs[key]), value, atol=1e-4, rtol=0)
