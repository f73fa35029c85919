import dataclasses
import json

import keras
import numpy as np
import onnxruntime
import pytest

from datasets.pictures import read_picture
from nets import NETWORKS, get_network
from nets.checkpoint import build_model, read_checkpoint
from nets.detector import Detector
from nets.onnx.export import export_onnx
from nets.onnx.layers import Graph, add_network
from nets.postprocess import probabilities
from preprocessing.resize import resize_picture
from tests.conftest import ROOT

pytestmark = pytest.mark.tensorflow_only


@pytest.fixture(scope="module")
def checkpoint():
    return read_checkpoint(ROOT / "checkpoints" / "drawn_lite")


@pytest.fixture(scope="module")
def exported(checkpoint):
    return export_onnx(build_model(checkpoint), checkpoint.network, checkpoint.labels)


@pytest.fixture(scope="module")
def session(exported):
    return onnxruntime.InferenceSession(exported.SerializeToString())


def picture(name):
    return read_picture(ROOT / "demo" / name)


def run(session, image):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"picture": image}), strict=True))


@pytest.mark.parametrize("stem", ["episode15_000012", "episode16_000081", "episode15_000059"])
def test_the_file_says_what_the_detector_says(session, checkpoint, stem):
    image = picture(f"{stem}.jpg")
    expected = Detector.load(checkpoint.folder).detect(image, score_threshold=0.3)
    found = run(session, image)
    count = int((found["scores"] >= 0.3).sum())
    assert count == len(expected) > 0
    names = [checkpoint.labels[number - 1] for number in found["classes"][:count]]
    assert names == list(expected.names)
    np.testing.assert_allclose(found["scores"][:count], expected.scores, atol=0.01)
    np.testing.assert_allclose(found["boxes"][:count], expected.boxes, atol=0.005)


def test_outputs_fit_together(session):
    found = run(session, picture("episode15_000012.jpg"))
    assert (np.diff(found["scores"]) <= 0).all()
    rows = np.arange(len(found["classes"]))
    np.testing.assert_array_equal(found["probabilities"][rows, found["classes"]], found["scores"])
    np.testing.assert_allclose(found["anchor_probabilities"].sum(axis=1), 1.0, atol=1e-5)
    assert found["anchor_boxes"].min() >= 0
    assert found["anchor_boxes"].max() <= 1


def test_sigmoids_are_written_where_a_network_has_them(checkpoint):
    network = dataclasses.replace(checkpoint.network, scores="sigmoid")
    written = export_onnx(build_model(checkpoint), network, checkpoint.labels, half=False)
    image = picture("episode15_000012.jpg")
    found = run(onnxruntime.InferenceSession(written.SerializeToString()), image)
    logits = build_model(checkpoint)(keras.ops.expand_dims(resize_picture(image, network.image_size), 0))[
        "logits"
    ]
    expected = keras.ops.convert_to_numpy(probabilities(logits, "sigmoid"))[0]
    np.testing.assert_allclose(found["anchor_probabilities"], expected, atol=0.005)


def test_a_picture_without_anyone_is_a_normal_picture(checkpoint):
    model = build_model(checkpoint)
    nobody = export_onnx(model, checkpoint.network, checkpoint.labels, score_threshold=0.999999)
    found = run(onnxruntime.InferenceSession(nobody.SerializeToString()), np.zeros((40, 30, 3), np.uint8))
    assert found["boxes"].shape == (0, 4)
    assert found["scores"].shape == found["classes"].shape == (0,)


def test_the_small_network_stays_small_and_carries_its_names(exported, session, checkpoint):
    assert len(exported.SerializeToString()) < 6_000_000
    properties = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(properties["labels"])) == checkpoint.labels


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_can_be_written(name, rng):
    network = get_network(name)
    model = network.build(4)
    file = export_onnx(model, network, ("a", "b", "千反田える"), half=False)
    session = onnxruntime.InferenceSession(file.SerializeToString())
    image = rng.integers(0, 256, (network.image_size, network.image_size, 3), dtype=np.uint8)
    found = run(session, image)
    outputs = model(image[None].astype(np.float32), training=False)
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(outputs["logits"], axis=-1))[0]
    # Untrained VGG amplifies rounding.
    np.testing.assert_allclose(found["anchor_probabilities"], expected, atol=2e-3)


def test_an_unknown_layer_is_named():
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, {"codes": keras.layers.Dropout(0.5, name="sleepy")(image)}, name="odd")
    with pytest.raises(ValueError, match=r"odd: layer sleepy is a Dropout.*knows Activation, Add"):
        add_network(Graph(), model, "image")
