from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.folder import INBOX_MARK
from datasets.voc import VocObject, write_annotation
from faces.folder import FaceOptions, read_faces
from tests.conftest import tables


def draw(folder: Path, *names: str) -> None:
    """Pictures, each another one."""
    for number, path in enumerate(folder / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (30, 40, 3), np.uint8)).save(path)


def read(folder: Path, **options):
    return read_faces(folder, FaceOptions(**options), margin=0.2)


def test_a_folder_per_character(tmp_path):
    draw(tmp_path, "千反田/ep01_0001.png", "千反田/more/ep02_0007.jpg", "oreki/ep01_0002.png", "alone.png")
    (tmp_path / "oreki" / "ep01_0003.gif").write_bytes(b"GIF89a")
    reading = read(tmp_path)
    assert reading.labelled_by == "folders"
    assert {(face.name, face.source, face.shown) for face in reading.faces} == {
        ("千反田", "ep01", "千反田/ep01_0001.png"),
        ("千反田", "ep02", "千反田/more/ep02_0007.jpg"),
        ("oreki", "ep01", "oreki/ep01_0002.png"),
    }
    kinds = {problem.kind for problem in reading.problems}
    assert kinds == {"picture in no character's folder", "picture format is not read"}


def test_the_source_is_what_the_pattern_says(tmp_path):
    sources = {"mio/face_107_214_41.jpg": "mio/41", "mio/0.jpg": ""}
    draw(tmp_path, *sources)
    reading = read(tmp_path, source_pattern=r"^(.*)/face_.*_(\d+)$")
    assert {face.shown: face.source for face in reading.faces} == sources


def test_the_same_face_counts_once_and_under_two_names_not_at_all(tmp_path):
    draw(tmp_path, "a/x_1.png", "b/y_1.png", "b/y_2.png")
    copies = {"a/x_2.png": "a/x_1.png", "a/z_9.png": "a/x_1.png", "a/both.png": "b/y_1.png"}
    for copy, face in copies.items():
        (tmp_path / copy).write_bytes((tmp_path / face).read_bytes())
    reading = read(tmp_path)
    assert [face.shown for face in reading.faces] == ["a/x_1.png", "b/y_2.png"]
    kinds = Counter(problem.kind for problem in reading.problems)
    assert kinds == {"one face, two names": 2, "the same face twice": 2}


def test_boxes_of_xml(tmp_path):
    draw(tmp_path, "ep01_0001.png")
    found = ("aka", 1, 0), ("ao", 20, 0), ("ao", 28, 1)
    objects = [VocObject(name, (x, 2, x + 10, 20), difficult=difficult) for name, x, difficult in found]
    write_annotation(tmp_path / "ep01_0001.xml", tmp_path / "ep01_0001.png", 40, 30, objects)
    reading = read(tmp_path)
    assert reading.labelled_by == "XML"
    assert [(face.name, face.shown) for face in reading.faces] == [
        ("aka", "ep01_0001.png#1"),
        ("ao", "ep01_0001.png#2"),
    ]
    assert reading.faces[0].box == pytest.approx((2 / 30, 1 / 40, 20 / 30, 11 / 40), abs=0.04)
    assert [problem.kind for problem in reading.problems] == ["difficult"]
    wider = read_faces(tmp_path, FaceOptions(), margin=0.4)
    assert {face.digest for face in wider.faces}.isdisjoint(face.digest for face in reading.faces)


def test_strangers_need_no_names(tmp_path):
    draw(tmp_path, "a.png", "deep/b.png")
    reading = read_faces(tmp_path, FaceOptions(), margin=0.1, strangers=True)
    assert [(face.name, face.shown) for face in reading.faces] == [("", "a.png"), ("", "deep/b.png")]


def test_nothing_to_read_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"--faces_dir .*gone: there is no such folder"):
        read(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"no face with a name in it; put the pictures of each character"):
        read(tmp_path)
    draw(tmp_path, "alone.png")
    with pytest.raises(ValueError, match=r"\(alone.png: picture in no character's folder\)"):
        read(tmp_path)
    (tmp_path / INBOX_MARK).write_text("{}")
    with pytest.raises(ValueError, match="an inbox of reports that nobody has confirmed"):
        read(tmp_path)


@pytest.mark.parametrize(("options", "message"), tables(__file__)["wrong_options"])
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        FaceOptions(**options)
