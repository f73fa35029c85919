import json
import math
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.pictures import read_picture
from nets.detector import Detector
from nets.thresholds import Thresholds
from tests.conftest import ROOT, tables
from tests.nets.test_detector import ANCHORS, PROBABILITIES, look
from web.pages import STATIC
from web.verdicts import Verdicts, answers_for, answers_found

NAMES = ("Mira", "Tobi", "Ren")
CALIBRATED = Verdicts(Thresholds(0.6, {"Mira": 0.4, "Tobi": 0.7}, {"gap": math.log(3)}))


@pytest.mark.parametrize(("word", "rows"), tables(__file__)["words"])
def test_words_by_the_thresholds_of_the_checkpoint(word, rows):
    assert {CALIBRATED.of(NAMES, row) for row in rows} == {word}


def test_where_nothing_was_chosen_and_from_where_boxes_are_shown():
    plain = Verdicts(Thresholds())
    assert [plain.of(("A",), [p]) for p in (0.49, 0.51, 0.74, 0.76)] == ["unknown", "maybe", "maybe", "sure"]
    assert plain.least_ratio == 1
    assert plain.show_from(None) == 0.35
    # Where every name can be maybe.
    assert Verdicts(Thresholds(0.6, {"Mira": 0.2})).show_from(None) == 0.2
    assert Verdicts(Thresholds(0.6, {"Mira": 0.2})).show_from(0.5) == 0.5


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js, which runs the page's answers.js")
def test_the_browser_says_the_same_words(rng):
    rows = rng.dirichlet([0.4] * 4, 300)
    names = [
        {"name": name, "maybe_from": CALIBRATED.maybe_from(name), "sure_from": CALIBRATED.sure_from(name)}
        for name in NAMES
    ]
    about = json.dumps({"names": names, "least_ratio": CALIBRATED.least_ratio})
    words = f"{rows.tolist()}.map((row) => answer([], row, {about}).verdict)"
    script = (STATIC / "answers.js").read_text(encoding="utf-8") + f"console.log(JSON.stringify({words}));"
    command = ["node", "--input-type=module", "-"]
    node = subprocess.run(command, input=script, capture_output=True, check=True, text=True)
    said = json.loads(node.stdout)
    assert said == [CALIBRATED.of(NAMES, row[1:].tolist()) for row in rows]
    assert set(said) == {"sure", "maybe", "unknown"}
    assert np.mean([word == "unknown" for word in said]) < 0.9


def test_a_look_says_all_names_of_what_is_found():
    seen = look(("a", 0.9, 0, True, 1), ("b", 0.7, 1, False, 1), ("b", 0.1, 2, True, 1))
    np.testing.assert_array_equal(answers_found(seen, 0.5).boxes, ANCHORS[[0]])
    np.testing.assert_array_equal(answers_found(seen, 0.05).probabilities, PROBABILITIES[[0, 2]])
    nobody = answers_found(look(), 0.5)
    assert (nobody.boxes.shape, nobody.probabilities.shape) == ((0, 4), (0, 3))


def names_of(boxes) -> np.ndarray:
    return answers_for(look(), boxes).probabilities


def test_the_anchor_whose_box_overlaps_says_who_it_is():
    first, last = names_of(ANCHORS[[0, 2]])
    assert first.argmax() == 1
    np.testing.assert_allclose(last, PROBABILITIES[2], atol=1e-6)  # nobody else overlaps it
    assert names_of(np.zeros((0, 4))).shape == (0, 3)


def test_a_certain_neighbour_counts_more_than_an_uncertain_one():
    (answer,) = names_of(ANCHORS[[1]])
    # The second anchor overlaps fully but sees hardly anybody; weights by hand: 0.8^4 · 0.8 and 1 · 0.1.
    weights = np.array([0.8**5, 0.1])
    np.testing.assert_allclose(answer, weights @ PROBABILITIES[:2] / weights.sum(), atol=1e-5)


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 4), min_size=1, max_size=5))
def test_any_box_has_an_answer_that_sums_to_one(boxes):
    answers = names_of(np.array(boxes))
    assert answers.min() >= 0
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.tensorflow_only  # its parts are tested on JAX too, which takes a minute to compile this
def test_a_look_and_detections_agree_on_a_picture():
    detector = Detector.load(ROOT / "checkpoints" / "drawn_lite")
    image = read_picture(ROOT / "demo" / "episode15_000012.jpg")
    expected = detector.detect(image)
    (seen,) = detector.look([detector.prepare(image)])
    found = answers_found(seen, 0.5)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-5)
    names = [detector.labels[row[1:].argmax()] for row in found.probabilities]
    assert names == list(expected.names) != []
    np.testing.assert_allclose(found.probabilities[:, 1:].max(axis=1), expected.scores, atol=1e-5)
    drawn = answers_for(seen, expected.boxes)
    assert [detector.labels[row[1:].argmax()] for row in drawn.probabilities] == names
