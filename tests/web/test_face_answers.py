import json
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from faces.answers import softmax
from faces.classifier import FaceAnswer
from tests.web.conftest import picture
from web.app import create_app
from web.options import WebOptions
from web.services import Services


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
def client(recogniser, inbox, tmp_path):
    faces: Any = FakeClassifier()
    services = Services(WebOptions(inbox=tmp_path / "inbox"), recogniser, inbox, faces=faces)
    with TestClient(create_app(services), base_url="http://127.0.0.1:8000") as client:
        yield client


def ask(client, boxes, value=200):
    return client.post(
        "/api/answers", files={"picture": picture(value=value)}, data={"boxes": json.dumps(boxes)}
    )


def test_drawn_boxes_are_named_by_the_classifier(client):
    answer = ask(client, [[0, 0, 40, 30], [-9, 10, 20, 60]]).json()
    assert [box["answers"][0]["name"] for box in answer["boxes"]] == ["Hana", "Hana"]
    assert [len(box["answers"]) for box in answer["boxes"]] == [5, 5]
    assert answer["boxes"][0]["verdict"] == "sure"
    assert answer["boxes"][1]["box"] == [0, 10, 20, 60]
    assert "<b>Rin</b>" in [one["name"] for one in answer["boxes"][0]["answers"]]


def test_a_stranger_is_unknown_and_found_boxes_stay_the_detectors(client):
    assert ask(client, [[0, 0, 40, 30]], value=0).json()["boxes"][0]["verdict"] == "unknown"
    found = client.post("/api/detections", files=[("pictures", ("x", picture(), "image/png"))]).json()
    assert found["pictures"][0]["boxes"][0]["answers"][0]["name"] == "Mira"


def test_no_boxes_and_many_boxes(client):
    assert ask(client, []).json()["boxes"] == []
    assert len(ask(client, [[0, 0, 40, 30]] * 100).json()["boxes"]) == 100
    assert ask(client, [[0, 0, 40, 30]] * 101).status_code == 413
