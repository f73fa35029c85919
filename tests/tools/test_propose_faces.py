"""Proposals of faces: found on drawn heads, written as drafts, never over a person's work."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from boxes.detections import Detections
from datasets.drawn_video import FilmOptions, heads_in
from datasets.voc import is_draft, read_xml
from labelling.drafts import checkpoint_finder, draft_objects, draft_targets, find_pictures
from tests.conftest import ROOT
from tests.engine.by_hand import detected
from tests.tools.test_doors import TABLES, fill_the_disk
from tests.video.small_videos import frame_at, scene
from tools.propose_faces import Options, main, propose


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    return detected(*(("face", 0.9, box) for box in boxes))


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


def test_boxes_of_nothing_are_left_out() -> None:
    assert draft_objects(found((0.5, 0.5, 0.5, 0.9), (0, 0, 0.001, 1)), 100, 100) == []
    (item,) = draft_objects(found((0, 0, 1, 1)), 50, 100)
    assert item.box == (1, 1, 100, 50)
    assert item.truncated == 1


@pytest.mark.parametrize("name", ["drawn_lite", "anime_heads"])
def test_checkpoint_finds_heads_whatever_their_names(name: str) -> None:
    film = FilmOptions(Path("film.mp4"))
    find = checkpoint_finder(ROOT / "checkpoints" / name, 0.5)
    (detections,) = find([frame_at(film, 15.0)])
    assert len(detections) == len(heads_in(film, 15.0))
    assert set(detections.names) == {"head"}


def test_what_cannot_be_written_is_named_and_the_others_done(dataset, monkeypatch) -> None:
    fill_the_disk(monkeypatch, "ep_0002.xml")
    outcome = propose(Options(dataset), always((0.25, 0.25, 0.5, 0.5)))
    said = dict(outcome.failures)
    assert said.keys() == {"ep_0002.jpg"}
    assert said["ep_0002.jpg"].startswith(f"{dataset}/Annotations/ep_0002.xml: full; make room")
    assert (outcome.drafts, outcome.order) == (2, ["ep_0000.jpg", "ep_0001.jpg"])


def test_unreadable_pictures_are_named_and_the_others_done(dataset: Path, capsys: Any) -> None:
    (dataset / "JPEGImages" / "a.tif").write_bytes(b"II*")
    (dataset / "JPEGImages" / "ep_0001.jpg").write_bytes(b"no picture")
    dataset = dataset.rename(dataset.with_name("my set"))
    assert main([f"--dataset_dir={dataset}"]) == 1
    said = capsys.readouterr().err
    lines = f"make labelimg DATASET='{dataset}'", "ep_0001.jpg: not a picture", "a.tif: picture format is not"
    assert [line for line in (*lines, "2 drafts") if line not in said] == []
    (dataset / "JPEGImages" / "sub").mkdir()
    Image.fromarray(scene(9)).save(dataset / "JPEGImages" / "sub" / "ep_0000.jpg")
    with pytest.raises(ValueError, match=r"would share ep_0000\.xml"):
        draft_targets(find_pictures(dataset))


@pytest.mark.parametrize(("wrong", "message"), TABLES["wrong_options"])
def test_wrong_options_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(Path("set"), **wrong)
