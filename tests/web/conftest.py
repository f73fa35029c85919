"""An application with a detector that needs no network: a bright upper left quarter is Mira."""

import io
import json
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from boxes.detections import Detections
from nets.postprocess import Look
from nets.thresholds import Thresholds
from web.options import WebOptions
from web.pages import create_app
from web.services import Services

NAMES = ("Mira", "千反田える", "Tobi")


class FakeRecogniser:
    """Counts its batches; can be stopped to let pictures wait."""

    labels = NAMES
    network = SimpleNamespace(name="fake")
    thresholds = Thresholds()

    def __init__(self):
        self.batches = []
        self.waiting = 0
        self.go = threading.Event()
        self.go.set()
        self.fails = False

    def prepare(self, image):
        return image[: image.shape[0] // 2, : image.shape[1] // 2].mean(keepdims=True)

    def look(self, images):
        self.waiting += 1
        self.go.wait(10)
        self.waiting -= 1
        self.batches.append(len(images))
        if self.fails:
            raise RuntimeError("the network has broken down")
        boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]], np.float32)
        looks = []
        for image in images:
            p = 0.9 if image.mean() > 100 else 0.1
            probabilities = np.array([[0.9 - p * 0.9, p, 0.06, 0.04], [0.4, 0.1, 0.3, 0.2]], np.float32)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            found = Detections(boxes[:1], probabilities[[0], 1], NAMES[:1])
            looks.append(Look(found, np.array([True]), np.array([0]), boxes, probabilities, probabilities))
        return looks


def picture(width=80, height=60, value=200, kind="PNG", **options):
    file = io.BytesIO()
    Image.new("RGB", (width, height), (value, value, value)).save(file, kind, **options)
    return file.getvalue()


def find(client, *files):
    """Asks who is in pictures."""
    return client.post("/api/detections", files=[("pictures", ("x", file, "image/png")) for file in files])


def ask(client, boxes, file=None):
    """Asks for names in boxes that somebody drew."""
    files = {"picture": picture() if file is None else file}
    return client.post("/api/answers", files=files, data={"boxes": json.dumps(boxes)})


@pytest.fixture(scope="module")
def chromium():
    from tests.web.in_chromium import started_chromium  # only where it is wanted: it needs Playwright

    with started_chromium() as browser:
        yield browser


@pytest.fixture
def detector() -> Any:
    return FakeRecogniser()


@pytest.fixture
def serve(detector, inbox):
    """Makes clients of applications with given options; closes them in the end."""
    opened = []

    def start(**options):
        app = create_app(Services(WebOptions(browser=False, **options), detector, inbox))
        client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        opened.append(client)
        return client.__enter__()

    yield start
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve):
    return serve()
