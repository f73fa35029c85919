import numpy as np
import pytest

from datasets.pictures import read_picture
from nets.detector import Detector
from nets.recogniser import Look, Recogniser
from tests.conftest import ROOT

pytestmark = (
    pytest.mark.tensorflow_only
)  # its parts are tested on JAX too, which takes a minute to compile this

LITE = ROOT / "checkpoints" / "drawn_lite"


@pytest.fixture(scope="module")
def recogniser():
    return Recogniser.load(LITE)


def test_finds_what_the_detector_finds_with_all_names(recogniser):
    image = read_picture(ROOT / "demo" / "episode15_000012.jpg")
    expected = Detector.load(LITE).detect(image)
    (look,) = recogniser.look([recogniser.prepare(image)])
    found = look.found(0.5)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-5)
    names = [recogniser.labels[row[1:].argmax()] for row in found.probabilities]
    assert names == list(expected.names)
    np.testing.assert_allclose(found.probabilities[:, 1:].max(axis=1), expected.scores, atol=1e-5)
    drawn = look.answers(expected.boxes)
    assert [recogniser.labels[row[1:].argmax()] for row in drawn.probabilities] == names


def test_one_head_has_one_name():
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.48], [0.5, 0.5, 1.0, 1.0]], np.float32)
    probabilities = np.array([[0.1, 0.9, 0.0], [0.3, 0.0, 0.7], [0.4, 0.6, 0.0]], np.float32)
    look = Look(np.array([0, 1, 2, 0]), np.array([0.9, 0.7, 0.6, 0.1], np.float32), boxes, probabilities)
    found = look.found(0.5)
    np.testing.assert_array_equal(found.boxes, boxes[[0, 2]])
    np.testing.assert_array_equal(found.probabilities, probabilities[[0, 2]])


def test_a_picture_without_anybody():
    nobody = Look(np.zeros(0, int), np.zeros(0), np.array([[0, 0, 1, 1.0]]), np.array([[0.9, 0.1]]))
    found = nobody.found(0.5)
    assert (found.boxes.shape, found.probabilities.shape) == ((0, 4), (0, 2))


def test_no_pictures(recogniser):
    assert recogniser.look([]) == []
