import contextlib
import functools

import keras
import numpy as np
import onnxruntime
import pytest
from onnx import numpy_helper, parser

from boxes.anchors import AnchorLayer
from nets import NETWORKS, get_network
from nets.network import Network
from nets.onnx_export import export_onnx, quantised, use_winograd
from nets.postprocess import probabilities
from tests.conftest import tables

pytestmark = pytest.mark.tensorflow_only
NAMES = ("a", "b", "千反田える")


def architecture(classes, weight=0.02):
    """The smallest network: each pixel of a picture of 8 x 8 has one anchor."""
    image = keras.Input((8, 8, 3))
    start = keras.initializers.RandomUniform(-weight, weight, seed=3)
    seen = keras.layers.Conv2D(8, 1, kernel_initializer=keras.initializers.GlorotUniform(3))(image)
    heads = [keras.layers.Conv2D(size, 1, kernel_initializer=start)(seen) for size in (4, classes)]
    both = [keras.layers.Reshape((64, -1))(head) for head in heads]
    return keras.Model(image, dict(zip(("codes", "logits"), both, strict=True)))


def tiny(**options):
    layers = (AnchorLayer(8, 8, 1 / 8, ((0.2, 0.2),)),)
    return Network("tiny", 8, layers, architecture, jit_on_cpu=False, **options)


def run(written, image):
    session = onnxruntime.InferenceSession(written.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"picture": image}), strict=True))


@functools.cache
def found_by(scores):
    network = tiny(scores=scores)
    image = np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    model = network.build(4)
    outputs = model(image[None].astype(np.float32), training=False)
    return run(export_onnx(model, network, NAMES, half=False), image), outputs


@pytest.mark.parametrize("scores", ["softmax", "sigmoid"])
def test_probabilities_are_those_of_the_network(scores):
    found, outputs = found_by(scores)
    expected = keras.ops.convert_to_numpy(probabilities(outputs["logits"], scores))[0]
    np.testing.assert_allclose(found["anchor_probabilities"], expected, atol=1e-5)


def test_outputs_fit_together():
    found, _ = found_by("softmax")
    assert len(found["scores"]) > 0
    assert (np.diff(found["scores"]) <= 0).all()
    rows = np.arange(len(found["classes"]))
    np.testing.assert_array_equal(found["probabilities"][rows, found["classes"]], found["scores"])
    np.testing.assert_allclose(found["anchor_probabilities"].sum(axis=1), 1.0, atol=1e-5)
    assert 0 <= found["anchor_boxes"].min() <= found["anchor_boxes"].max() <= 1


def test_a_picture_without_anyone_is_a_normal_picture():
    network = tiny()
    written = export_onnx(network.build(4), network, NAMES, score_threshold=0.999999)
    found = run(written, np.zeros((40, 30, 3), np.uint8))
    assert [found[key].shape for key in ("boxes", "scores", "classes")] == [(0, 4), (0,), (0,)]


def test_int8_leaves_one_convolution_in_floats_where_none_is_depthwise():
    made = quantised(export_onnx(tiny().build(4), tiny(), NAMES, half=False), [np.zeros((8, 8, 3), np.uint8)])
    assert "QuantizeLinear" in {one.op_type for one in made.graph.node}


def test_a_weight_that_float16_cannot_hold_is_told():
    with pytest.raises(ValueError, match="does not fit into float16; export with --weights=float32"):
        export_onnx(architecture(4, weight=1e6), tiny(), NAMES)


@pytest.mark.parametrize("convolution", tables(__file__)["convolutions"])
def test_wide_convolutions_by_winograd_say_the_same(convolution, rng):
    outputs, inputs, side, rate, step, gains = convolution
    shape = f"strides = [{step}, {step}], dilations = [{rate}, {rate}], pads = {[rate] * 4}"
    plain = parser.parse_model(f"""<ir_version: 9, opset_import: ["" : 18]>
        plain (float[1, {inputs}, {side}, {side}] picture) => (float[1, {outputs}, h, w] said) {{
            seen = Relu (picture)
            said = Conv <kernel_shape = [3, 3], group = 1, {shape}> (seen, kernel, bias) }}""")
    for name, size in (("kernel", (outputs, inputs, 3, 3)), ("bias", outputs)):
        plain.graph.initializer.append(numpy_helper.from_array(rng.normal(size=size).astype("f"), name))
    picture = rng.random((1, inputs, side, side), np.float32)
    expected = run(plain, picture)["said"]
    with contextlib.nullcontext() if gains else pytest.raises(ValueError, match="no convolution that gains"):
        use_winograd(plain)
    assert len(plain.functions) == gains
    np.testing.assert_allclose(run(plain, picture)["said"], expected, atol=1e-3, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_can_be_written(name, rng):
    network = get_network(name)
    model = network.build(4)
    image = rng.integers(0, 256, (network.image_size, network.image_size, 3), dtype=np.uint8)
    written = export_onnx(model, network, NAMES, half=False)
    if "vgg" in name:
        use_winograd(written)
    found = run(written, image)
    outputs = model(image[None].astype(np.float32), training=False)
    expected = keras.ops.convert_to_numpy(probabilities(outputs["logits"], network.scores))[0]
    np.testing.assert_allclose(found["anchor_probabilities"], expected, atol=2e-3)  # VGG amplifies rounding
