from types import SimpleNamespace

import keras
import numpy as np
import pytest

from boxes.geometry import decode
from datasets.labels import read_labels
from nets.checkpoint import read_checkpoint
from nets.detector import Detector
from nets.normalised_convolution import NormalisedConvolution
from nets.slim_names import keras_path, load_slim_variables, slim_name, slim_variables
from nets.ssd_mobilenet_v2 import NETWORKS, CodeOrder
from ssd_tensorflow.checkpoints import import_checkpoint
from tests.conftest import ROOT, tables
from tests.nets.conftest import without_draws

pytestmark = pytest.mark.jax_slow

NETWORK = NETWORKS[0]
COCO_NAMES = ROOT / "checkpoints" / "coco.txt"


@pytest.fixture(scope="module")
def model():
    """With 91 classes and any weights; not to be changed."""
    return without_draws(NETWORK, 91)


@pytest.fixture(scope="module")
def coco(shared, model):
    """The published weights in the network, and what another implementation says of the dog picture."""
    report = load_slim_variables(
        model, shared / "weights" / "ssdlite_mobilenet_v2_coco.npz", scope="", skip=()
    )
    golden = np.load(shared / "golden" / "ssdlite_mobilenet_v2_coco_dog.npz", allow_pickle=False)
    return SimpleNamespace(report=report, model=model, golden=golden)


def test_anchors_are_those_of_the_object_detection_api(shared):
    golden = np.load(shared / "golden" / "ssdlite_mobilenet_v2_anchors.npy", allow_pickle=False)
    np.testing.assert_allclose(NETWORK.anchors, golden, atol=1e-6)


def test_anchors_by_hand():
    assert NETWORK.anchors.shape == (1917, 4)
    # The first cell of 19: a square of 0.1, then 0.2 at ratio 2, wider than high, and at 1/2.
    centre, long, short = 0.5 / 19, 0.1 * 2**0.5, 0.1 / 2**0.5
    np.testing.assert_allclose(NETWORK.anchors[0], [centre - 0.05] * 2 + [centre + 0.05] * 2, atol=1e-6)
    wide = [centre - short, centre - long, centre + short, centre + long]
    np.testing.assert_allclose(NETWORK.anchors[1], wide, atol=1e-6)
    # The last: the square between 0.95 and 1.
    side = 0.95**0.5
    np.testing.assert_allclose(NETWORK.anchors[-1], [0.5 - side / 2] * 2 + [0.5 + side / 2] * 2, atol=1e-6)


def test_variables_have_the_names_of_the_object_detection_api(model):
    names = slim_variables(model)
    assert len(names) == 404
    assert model.count_params() == 4_551_295
    shapes = {name: value.shape for name, value in names.items()}
    some = tables(__file__)["coco_shapes"]
    assert {name: list(shapes[name]) for name in some} == some
    assert [keras_path(name) for name in names] == [weight.path for weight in model.weights]
    assert [slim_name(keras_path(name)) for name in names] == list(names)


def test_codes_leave_in_our_order():
    codes = np.array([[["ty", "tx", "th", "tw"]]])
    numbers = np.arange(4, dtype="f").reshape(1, 1, 4)
    order = np.asarray(CodeOrder()(numbers)).astype(int)
    assert list(codes[0, 0, order[0, 0]]) == ["tx", "ty", "tw", "th"]


def test_scores_and_boxes_equal_the_published_network(coco):
    assert len(coco.report.restored) == 404
    assert [*coco.report.skipped, *coco.report.missing] == []
    outputs = coco.model(coco.golden["input"][None].astype("f"))
    scores = np.asarray(keras.ops.sigmoid(outputs["logits"]))[0, :, 1:]
    np.testing.assert_allclose(scores, coco.golden["scores"], atol=1e-4)
    boxes = np.asarray(decode(outputs["codes"], NETWORK.anchors))[0]
    np.testing.assert_allclose(boxes, coco.golden["boxes"], atol=1e-4)


def test_coco_names_stand_on_the_lines_of_their_ids():
    names = read_labels(COCO_NAMES)
    assert len(names) == 90
    known = {1: "person", 2: "bicycle", 3: "car", 13: "stop sign", 18: "dog", 44: "bottle", 90: "toothbrush"}
    assert {number: names[number - 1] for number in known} == known


@pytest.mark.tensorflow_only
@pytest.mark.slow
def test_the_coco_weights_become_a_detector_with_coco_names(shared, tmp_path):
    weights = shared / "weights" / "ssdlite_mobilenet_v2_coco.npz"
    import_checkpoint(weights, read_labels(COCO_NAMES), tmp_path / "coco", model_name=NETWORK.name)
    assert read_checkpoint(tmp_path / "coco").network.scores == "sigmoid"
    with np.load(shared / "golden" / "ssdlite_mobilenet_v2_coco_dog.npz", allow_pickle=False) as golden:
        found = Detector.load(tmp_path / "coco").detect(golden["input"], score_threshold=0.8)
    assert found.names == ("bicycle", "car", "dog")
    np.testing.assert_allclose(found.scores, [0.957, 0.877, 0.877], atol=1e-3)


def test_everything_but_the_last_convolution_of_a_head_has_a_norm_to_freeze(model):
    normalised = [layer for layer in model.layers if isinstance(layer, NormalisedConvolution)]
    plain = [layer.name for layer in model.layers if type(layer) is keras.layers.Conv2D]
    assert len(normalised) == 1 + 2 + 16 * 3 + 1 + 4 * 3 + 6 * 2
    assert len(plain) == 12
    assert all(name.endswith("Predictor") for name in plain)
