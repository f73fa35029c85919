import json
import math
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from faces.classifier import FaceAnswer, softmax
from nets.thresholds import Thresholds
from tests.conftest import tables
from tests.web.conftest import ask, find, picture
from web.options import WebOptions
from web.pages import STATIC, create_app
from web.services import Services
from web.verdicts import Verdicts

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


class FakeClassifier:
    """Bright faces are Hana's, dark ones nobody's that is known."""

    names = ("Hana", "<b>Rin</b>", "Yui", "Kei", "Sora", "Mei")

    def crop(self, image, box):
        top, left, bottom, right = (box * np.array([*image.shape[:2]] * 2)).astype(int)
        return image[top : bottom + 1, left : right + 1]

    def answers(self, faces):
        answers = []
        for face in faces:
            shares = softmax(np.array([4.0 if face.mean() > 100 else 0.1, 0, 0, 0, 0, 0]))
            answers.append(FaceAnswer(self.names, shares, bool(face.mean() > 100)))
        return answers


@pytest.fixture
def with_faces(detector, inbox, tmp_path):
    faces: Any = FakeClassifier()
    services = Services(WebOptions(inbox=tmp_path / "inbox"), detector, inbox, faces=faces)
    with TestClient(create_app(services), base_url="http://127.0.0.1:8000") as client:
        yield client


def test_drawn_boxes_are_named_by_the_classifier(with_faces):
    answer = ask(with_faces, [[0, 0, 40, 30], [-9, 10, 20, 60]]).json()
    assert [box["answers"][0]["name"] for box in answer["boxes"]] == ["Hana", "Hana"]
    assert [len(box["answers"]) for box in answer["boxes"]] == [5, 5]
    assert [len(ask(with_faces, [[0, 0, 40, 30]] * count).json()["boxes"]) for count in (0, 100)] == [0, 100]
    assert answer["boxes"][0]["verdict"] == "sure"
    assert answer["boxes"][1]["box"] == [0, 10, 20, 60]
    assert "<b>Rin</b>" in [one["name"] for one in answer["boxes"][0]["answers"]]


def test_a_stranger_is_unknown_and_found_boxes_stay_the_detectors(with_faces):
    stranger = ask(with_faces, [[0, 0, 40, 30]], picture(value=0)).json()
    assert stranger["boxes"][0]["verdict"] == "unknown"
    found = find(with_faces, picture()).json()
    assert found["pictures"][0]["boxes"][0]["answers"][0]["name"] == "Mira"
