"""Proposals of faces: found on drawn heads, widened, written as drafts, never over a person's work."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from boxes.detections import Detections
from boxes.geometry import iou
from boxes.pixels import from_pixels
from datasets.drawn.film import FilmOptions, frame_at, heads_in
from datasets.pictures import read_picture
from datasets.sources import source_of
from datasets.voc import is_draft, read_xml
from labelling.drafts import draft_objects, draft_targets, find_pictures
from labelling.finders import animeface_finder, cascade_finder, widen
from tests.conftest import ROOT
from tests.tools.test_doors import TABLES, fill_the_disk
from tests.video.small_videos import scene
from tools.propose_faces import Options, crop_name, main, make_finder, propose


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    scores = np.linspace(0.9, 0.8, len(boxes), dtype=np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, ("face",) * len(boxes))


def always(*boxes: tuple[float, float, float, float]) -> Callable[[list[np.ndarray]], list[Detections]]:
    return lambda images: [found(*boxes) for _ in images]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "JPEGImages").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(scene(number)).save(folder / "JPEGImages" / f"ep_000{number}.jpg")
    return folder


def test_drafts_are_written_once_and_never_over_a_persons_file(dataset: Path) -> None:
    mine = dataset / "Annotations" / "ep_0001.xml"
    mine.parent.mkdir()
    mine.write_text("a person's")
    options = Options(dataset)
    outcome = propose(options, always((0.25, 0.25, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)))
    assert (outcome.drafts, outcome.boxes, outcome.labelled, outcome.earlier) == (2, 4, 1, 0)
    draft = read_xml(dataset / "Annotations" / "ep_0000.xml")
    assert is_draft(draft)
    assert [item.box for item in draft.objects] == [("24", "18", "48", "36"), ("48", "36", "96", "72")]
    assert [item.truncated for item in draft.objects] == ["0", "1"]

    again = propose(options, always())
    assert (again.drafts, again.labelled, again.earlier) == (0, 1, 2)
    redone = propose(replace(options, redo=True), always())
    assert (redone.drafts, redone.boxes, redone.empty) == (2, 0, 2)
    assert mine.read_text() == "a person's"


def test_varied_pictures_with_faces_come_first_in_the_order(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    looks = {"a": 0, "b": 1, "c": 0, "d": 2, "e": 3}  # c is the scene of a again
    for stem, seed in looks.items():
        picture = scene(seed)
        picture[:8, :8] = 0 if stem == "d" else 255  # nobody is found in d
        Image.fromarray(picture).save(folder / f"{stem}.png")

    def find(images: list[np.ndarray]) -> list[Detections]:
        return [found((0.2, 0.2, 0.5, 0.5)) if image[0, 0, 0] else found() for image in images]

    propose(Options(folder), find)
    order = (folder / "labelling_order.txt").read_text().split()
    assert sorted(order) == [f"{stem}.png" for stem in looks]
    assert (order[0], *order[3:]) == ("a.png", "d.png", "c.png")


def test_boxes_of_nothing_are_left_out_and_margins_widen_and_stay_inside() -> None:
    assert draft_objects(found((0.5, 0.5, 0.5, 0.9), (0, 0, 0.001, 1)), 100, 100) == []
    (item,) = draft_objects(found((0, 0, 1, 1)), 50, 100)
    assert item.box == (1, 1, 100, 50)
    assert item.truncated == 1
    wide = widen(found((0.4, 0.4, 0.6, 0.5)), (1.0, 0.5, 2.0, -0.25))
    assert wide.boxes[0] == pytest.approx([0.3, 0.3, 0.55, 0.7], abs=1e-6)
    assert widen(found((0.4, 0.4, 0.6, 0.5)), (9, 9, 9, 9)).boxes.tolist() == [[0, 0, 1, 1]]
    assert len(widen(found(), (1, 1, 1, 1))) == 0


@pytest.mark.slow  # installs animeface
def test_animeface_finds_drawn_heads() -> None:
    film = FilmOptions(Path("film.mp4"), width=960, height=540)
    hits = heads = boxes = 0
    find = make_finder(Options(Path()))
    for second in (1.0, 15.0, 20.0, 35.0, 53.0):
        (detections,) = find([frame_at(film, second)])
        drawn = np.array([label.box for label in heads_in(film, second)]).reshape(-1, 4)
        truth = from_pixels(drawn, 540, 960).astype(np.float32)
        hits += int((np.asarray(iou(truth, detections.boxes)) > 0.5).sum())
        heads, boxes = heads + len(truth), boxes + len(detections)
    assert heads >= 5
    assert hits >= heads // 3
    assert boxes - hits <= heads
    (faces,) = find([np.zeros((64, 64, 3), np.uint8)])
    assert len(faces) == 0


ANIMEFACE = """
import runpy, sys, types
def detect(picture):
    if picture.size == (3, 2):
        raise OSError("it broke")
    assert picture.mode == "RGB"
    red = picture.getpixel((0, 0))[0]
    place = types.SimpleNamespace(x=red, y=10, width=20, height=40)
    return [types.SimpleNamespace(face=types.SimpleNamespace(pos=place), likelihood=red / 100)]
sys.modules["animeface"] = types.SimpleNamespace(detect=detect)
runpy.run_path(sys.argv[-1], run_name="__main__")
"""


def test_animeface_answers_from_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "animeface.py").write_text(ANIMEFACE)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/animeface.py" "$@"\n')
    python.chmod(0o755)
    find = animeface_finder(python, "head", 0.3)
    images = [np.full((100, 200, 3), red, np.uint8) for red in (50, 20, 80)]
    one, none, other = find([*images[:2], cv2.resize(images[2], (1536, 768))])
    assert one.boxes == pytest.approx(np.array([[0.1, 0.25, 0.5, 0.35]]))
    assert (one.scores.tolist(), one.names) == ([0.5], ("head",))
    assert len(none) == 0
    assert other.boxes == pytest.approx(np.array([[10 / 384, 80 / 768, 50 / 384, 100 / 768]]))
    with pytest.raises(ValueError, match=r"animeface failed: OSError: it broke; remove \.animeface-venv"):
        find([np.zeros((2, 3, 3), np.uint8)])


def test_cascade_by_path(dataset: Path, tmp_path: Path) -> None:
    shipped = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
    options = Options(dataset, cascade_path=shipped)
    assert propose(options, make_finder(options)).drafts == 3
    with pytest.raises(ValueError, match=r"--cascade_path .*: there is no such file"):
        cascade_finder(tmp_path / "x.xml", "face", 5)
    (tmp_path / "x.xml").write_text("<x/>")
    with pytest.raises(ValueError, match="is no cascade that OpenCV can read"):
        cascade_finder(tmp_path / "x.xml", "face", 5)


def test_checkpoint_finds_heads_whatever_their_names(dataset: Path) -> None:
    film = FilmOptions(Path("film.mp4"))
    options = Options(dataset, checkpoint_path=ROOT / "checkpoints" / "drawn_lite", name="head")
    (detections,) = make_finder(options)([frame_at(film, 15.0)])
    assert len(detections) == len(heads_in(film, 15.0))
    assert set(detections.names) == {"head"}


def test_crops_keep_the_source(dataset: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    boxes = ((0.25, 0.25, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0), (0, 0, 0.05, 0.05))
    propose(Options(dataset, crops_dir=crops), always(*boxes))
    names = sorted(path.name for path in crops.iterdir())
    # The tiny box is not worth a crop.
    assert names == [f"ep_000{number}_{letter}.jpg" for number in range(3) for letter in "ab"]
    assert {source_of(Path(name).stem) for name in names} == {"ep"}
    assert read_picture(crops / "ep_0000_a.jpg").shape == (18, 24, 3)
    many = [crop_name("ep_1", index) for index in range(60)]
    assert len(set(many)) == 60
    assert many == sorted(many)


def test_what_cannot_be_written_is_named_and_the_others_done(dataset, tmp_path, monkeypatch) -> None:
    fill_the_disk(monkeypatch, "ep_0001_a.jpg", "ep_0002.xml")
    outcome = propose(Options(dataset, crops_dir=tmp_path), always((0.25, 0.25, 0.5, 0.5)))
    said = dict(outcome.failures)
    assert said.keys() == {"ep_0001.jpg", "ep_0002.jpg"}
    assert said["ep_0001.jpg"].startswith(f"picture cannot be written: {tmp_path}/ep_0001_a.jpg: full; make")
    assert said["ep_0002.jpg"].startswith(f"{dataset}/Annotations/ep_0002.xml: full; make room")
    assert (outcome.drafts, outcome.order) == (1, ["ep_0000.jpg"])


def test_unreadable_pictures_are_named_and_the_others_done(dataset: Path, capsys: Any) -> None:
    (dataset / "JPEGImages" / "a.tif").write_bytes(b"II*")
    (dataset / "JPEGImages" / "ep_0001.jpg").write_bytes(b"no picture")
    dataset = dataset.rename(dataset.with_name("my set"))
    assert main([f"--dataset_dir={dataset}"]) == 1
    said = capsys.readouterr().err
    for line in (
        f"make labelimg DATASET='{dataset}'",
        "ep_0001.jpg: not a picture",
        "a.tif: picture format is not read",
        "2 drafts",
    ):
        assert line in said
    (dataset / "JPEGImages" / "sub").mkdir()
    Image.fromarray(scene(9)).save(dataset / "JPEGImages" / "sub" / "ep_0000.jpg")
    with pytest.raises(ValueError, match=r"would share ep_0000\.xml"):
        draft_targets(find_pictures(dataset))


@pytest.mark.parametrize(("wrong", "message"), TABLES["wrong_options"])
def test_wrong_options_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(Path("set"), **wrong)
