"""One head has one name, and the same one, whoever asks: detect.py, the page, drafts and films."""

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import detect
from boxes.geometry import to_pixels
from datasets.drawn_video import FilmOptions
from datasets.inbox import Inbox
from datasets.voc import read_xml
from nets.detector import Detector
from tests.conftest import ROOT
from tests.video.small_videos import Shown, frame_at
from tools import preannotate
from video.detection import VideoOptions, detect_in_video
from web.options import WebOptions
from web.pages import create_app
from web.services import Services

pytestmark = pytest.mark.slow
FROM = 0.3


def test_everybody_sees_the_same_boxes_and_names(tmp_path: Path) -> None:
    detector = Detector.load(ROOT / "checkpoints" / "drawn_lite")
    # On this one the network gives five boxes to three heads.
    image = frame_at(FilmOptions(Path("film.mp4"), seed=2, seconds=40.0), 34.375)
    image = cv2.resize(image, (426, 240), interpolation=cv2.INTER_AREA)
    found = detector.detect(image, score_threshold=FROM)
    (everything,) = detector.detect_batch([image], score_threshold=FROM, all_names=True)
    assert 0 < len(found) < len(everything)
    expected = [
        (name, pytest.approx(box, abs=0.06))
        for name, box in zip(found.names, to_pixels(found.boxes, 240, 426).tolist(), strict=True)
    ]

    folder = tmp_path / "set"
    folder.mkdir()
    Image.fromarray(image).save(folder / "a_1.png")
    options = detect.Options((folder,), Path(), tmp_path / "out", score_threshold=FROM)
    sources = detect.find_sources((folder,), tmp_path / "out")
    (entry,) = map(json.loads, *detect.Run(detector, options).through(sources).lines.values())
    assert [(one["name"], one["box"]) for one in entry["detections"]] == expected

    still: Any = Shown(*[image] * 4)
    film = detect_in_video(still, "film", tmp_path / "film.mp4", detector, VideoOptions(FROM))
    for entry in film.entries:
        assert {one["name"]: one["box"] for one in entry["detections"]} == dict(expected)

    web = WebOptions(browser=False, show_from=FROM)
    app = create_app(Services(web, detector, Inbox(tmp_path / "inbox")))
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    with TestClient(app, base_url="http://localhost") as client:
        said = client.post("/api/detections", files={"pictures": ("a.png", file.getvalue())}).json()
    (picture,) = said["pictures"]
    assert [(one["answers"][0]["name"], one["box"]) for one in picture["boxes"]] == expected

    preannotate.preannotate(preannotate.Options(folder, Path(), score_threshold=FROM), detector)
    draft = read_xml(folder / "a_1.xml")
    assert [one.name for one in draft.objects] == list(found.names)
    for one, box in zip(draft.objects, to_pixels(found.boxes, 240, 426), strict=True):
        assert one.box is not None
        assert np.array(one.box, float).tolist() == pytest.approx(box, abs=1.51)
