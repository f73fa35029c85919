"""What a person says on the page for labelling is in LabelImg's XML at once, and nobody's work is lost."""

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.annotations import ReadOptions, read_folder
from datasets.voc import is_draft, read_xml, voc_objects
from files.reading import read_arrays
from files.writing import write_arrays
from labelling import desk as desks
from labelling import groups, questions
from labelling.desk import Desk
from labelling.drafts import may_write, write_draft
from labelling.groups import groups_of, tracks_of
from labelling.marks import SEEN, Head
from labelling.questions import Question
from tests.conftest import ROOT

RED, BLUE = (220, 40, 40), (40, 40, 220)
LEFT, RIGHT = (0.25, 0.125, 0.75, 0.5), (0.25, 0.5, 0.75, 0.875)
PICTURES = 5


class Likeness:
    """Heads of one colour are one person's."""

    digest, width, looks = "test", 3, 0

    def vectors(self, heads) -> np.ndarray:
        self.looks += len(heads)
        rows = [np.asarray(head, float)[head.shape[0] // 2, head.shape[1] // 2] for head in heads]
        rows = np.array(rows).reshape(-1, 3)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def of_anybody(self, vectors) -> np.ndarray:
        return np.full(len(vectors), 0.3)


def make_set(folder: Path, film: str = "ep") -> Path:
    """Pictures of a red and a blue head, which stand still, with drafts."""
    for number in range(PICTURES):
        image = np.full((96, 128, 3), 10 * number, np.uint8)
        for (top, left, bottom, right), colour in ((LEFT, RED), (RIGHT, BLUE)):
            image[int(top * 96) : int(bottom * 96), int(left * 128) : int(right * 128)] = colour
        path = folder / "JPEGImages" / f"{film}_{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image[..., ::-1])
        objects = voc_objects(np.array([LEFT, RIGHT]), ("head", "head"), 128, 96)
        (folder / "Annotations").mkdir(exist_ok=True)
        write_draft(folder / "Annotations" / f"{film}_{number:04}.xml", path, 128, 96, objects)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_set(tmp_path / "set")


def opened(folder: Path) -> Desk:
    return Desk(folder, Likeness())  # pyright: ignore[reportArgumentType]


def on_disk(folder: Path) -> list[list[str | None]]:
    return [[one.name for one in read_xml(xml).objects] for xml in sorted(folder.rglob("*.xml"))]


def asked(desk: Desk, kind: str) -> Question:
    question = desk.ask("me")
    assert question is not None
    assert question.kind == kind
    return question


def named(desk: Desk, *names: str) -> None:
    for name in names:
        desk.name_group("me", asked(desk, "group").key, name, ())


def as_shown(desk: Desk, question) -> list[list[Head]]:
    return [[Head(head.box, head.name, True) for head in one.heads] for one in question.pictures]


def test_groups_then_a_sheet_then_training_data(folder: Path) -> None:
    desk = opened(folder)
    question = asked(desk, "group")
    assert [len(track) for track in question.tracks] == [PICTURES]  # one person, who stands still
    assert desk.likely(question.tracks[0]) == []
    desk.name_group("me", question.key, "千反田", ())
    named(desk, "Oreki")
    assert sorted(on_disk(folder)[0], key=str) == ["Oreki", "千反田"]
    xml = folder / "Annotations" / "ep_0000.xml"
    assert is_draft(read_xml(xml)), "until the picture is said to be right it is not learnt from"
    assert not may_write(xml), "but no program writes another draft over it"
    assert read_folder(folder, ReadOptions()).annotations == []
    sheet = asked(desk, "sheet")
    assert len(sheet.pictures) == PICTURES
    assert desk.progress() | {"minutes": 0} == {
        "pictures": PICTURES, "done": 0, "heads": 2 * PICTURES, "named": 2 * PICTURES, "minutes": 0,
    }  # fmt: skip
    heads = as_shown(desk, sheet)
    heads[0] = []  # nobody
    desk.confirm("me", sheet.key, heads)
    assert desk.ask("me") is None
    found = read_folder(folder, ReadOptions()).annotations
    assert [sorted(one.names) for one in found] == [[], *[["Oreki", "千反田"]] * (PICTURES - 1)]
    raw = read_xml(folder / "Annotations" / "ep_0001.xml")
    assert (raw.verified, raw.origin, raw.size) == (True, "", (128, 96))
    assert {one.pose for one in raw.objects} == {"track 0", "track 1"}


def test_a_group_that_looks_like_a_name_comes_with_it_on_its_sheets(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(desks, "CROPS", 1)  # of a person's tracks, one in each film
    desk = opened(make_set(folder, "other"))
    named(desk, "Mira", "Tobi")
    heads = [head for one in asked(desk, "sheet").pictures for head in one.heads]
    assert [desk.guess(head) for head in heads] == ["Mira", "Tobi"] * 2 * PICTURES
    assert sum(head.named for head in heads) == 2 * PICTURES


def test_who_does_not_belong_is_asked_for_on_the_sheet_and_nobodies_go(folder: Path) -> None:
    desk = opened(folder)
    question = asked(desk, "group")
    with pytest.raises(ValueError, match=r"the question has 1 tracks, not those of \[1\]"):
        desk.name_group("me", question.key, "Mira", [1])
    desk.name_group("me", question.key, "Mira", [0])
    apart = question.tracks[0]
    assert not any(head.named for head in apart)
    named(desk, "")  # the other group
    assert [len(names) for names in on_disk(folder)] == [1] * PICTURES
    asked(desk, "sheet")
    assert "Mira" not in [name for name, _ in desk.likely(apart)]


def test_an_answer_counts_once_and_belongs_to_one_person(folder: Path, monkeypatch) -> None:
    desk = opened(folder)
    mine = asked(desk, "group")
    assert desk.ask("you") is None, "both groups are in the same pictures"
    with pytest.raises(ValueError, match="not open any more"):
        desk.name_group("you", mine.key, "Mira", ())
    first = desk.name_group("me", mine.key, "Mira", ())
    stamps = {xml: xml.stat().st_mtime_ns for xml in folder.rglob("*.xml")}
    assert desk.name_group("me", mine.key, "Tobi", ()) == first
    assert {xml: xml.stat().st_mtime_ns for xml in folder.rglob("*.xml")} == stamps
    mine = asked(desk, "group")
    monkeypatch.setattr(questions, "LEASE", -1.0)
    yours = desk.ask("you")
    assert yours is not None, "after a while it is asked of others"
    assert desk.name_group("me", mine.key, "Tobi", ()).written == PICTURES, "and may be answered late"
    assert desk.name_group("you", yours.key, "Mira", ()).written == 0
    assert on_disk(folder)[0].count("Mira") == 1


def test_what_somebody_else_wrote_stays(folder: Path) -> None:
    desk = opened(folder)
    question = asked(desk, "group")
    theirs = folder / "Annotations" / "ep_0002.xml"
    data = theirs.read_bytes().replace(b'verified="no"', b'verified="yes"').replace(b">head<", b">Tobi<")
    theirs.write_bytes(data)
    outcome = desk.name_group("me", question.key, "Mira", ())
    assert (outcome.written, outcome.changed) == (PICTURES - 1, ("ep_0002.png",))
    assert theirs.read_bytes() == data
    assert sorted(desk.names) == ["Mira", "Tobi"]
    assert desk.progress()["done"] == 1
    theirs.write_bytes(b"<annotation>")
    (folder / "JPEGImages" / "ep_0003.png").unlink()
    for _ in range(2):  # each is said once
        desk.refresh()
    assert [one[:20] for one in desk.problems] == ["ep_0002.png: not wel", "ep_0003.png: the pic"]
    while (question := desk.ask("me")) is not None:
        if question.tracks:
            desk.name_group("me", question.key, "Mira", ())
        else:
            desk.confirm("me", question.key, as_shown(desk, question))
    assert theirs.read_bytes() == b"<annotation>"


def test_answers_are_taken_back_and_survive_a_restart(folder: Path) -> None:
    desk = opened(folder)
    before = {xml: xml.read_bytes() for xml in folder.rglob("*.xml")}
    named(desk, "Mira")
    assert desk.undo("me").written == PICTURES
    assert {xml: xml.read_bytes() for xml in folder.rglob("*.xml")} == before
    with pytest.raises(ValueError, match="nothing to take back"):
        desk.undo("me")
    named(desk, "Mira")
    again = opened(folder)
    assert (again.names, again.progress()["named"]) == (["Mira"], PICTURES)
    named(again, "Tobi")
    again.put_off("me", asked(again, "sheet").key)
    assert again.ask("me") is not None, "what was put off comes last, but it comes"


def test_a_full_disk_stops_an_answer_and_memory_is_as_the_disk(folder: Path, monkeypatch) -> None:
    desk, write = opened(folder), desks.write_marks

    def full(picture, **done) -> None:
        if picture.name == "ep_0002.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(picture, **done)

    monkeypatch.setattr(desks, "write_marks", full)
    with pytest.raises(OSError, match="No space left"):
        named(desk, "Mira")
    assert [sum(head.named for head in one.heads) for one in desk.pictures] == [1, 1, 0, 0, 0]
    assert [names.count("Mira") for names in on_disk(folder)] == [1, 1, 0, 0, 0]
    monkeypatch.undo()
    named(desk, "Mira", "Tobi")
    assert all({*names} <= {"Mira", "Tobi"} and len(names) == 2 for names in on_disk(folder))


def test_boxes_are_drawn_as_the_person_draws_them(folder: Path) -> None:
    desk = opened(folder)
    named(desk, "Mira", "Tobi")
    picture, other = desk.pictures[:2]
    assert np.allclose(desk.boxes_of(picture), [head.box for head in picture.heads])
    more = np.array([0, -0.05, 0, 0.05], np.float32)
    wide = [Head(head.box + more, head.name, True) for head in picture.heads]
    desk._style.learn(picture.heads, desk.boxes_of(picture), wide)
    assert np.allclose(desk.boxes_of(other), [head.box for head in wide], atol=1e-6), "of the same tracks"
    desk._group()  # numbers tracks anew, so that what was moved of one is not another's
    widths = np.diff(desk.boxes_of(other)[:, [1, 3]])[:, 0]
    assert ((widths > 0.385) & (widths < 0.475)).all(), "of others a part of it"


def test_tracks_follow_place_and_face_and_groups_keep_two_in_one_picture_apart() -> None:
    boxes = np.array([LEFT, LEFT, LEFT, RIGHT, LEFT], np.float32)
    vectors = np.array([[1, 0], [1, 0], [0, 1], [1, 0], [1, 0]], np.float32)
    pictures = [0, 1, 2, 2, 3]
    tracks = tracks_of(pictures, [False, True, True, False], boxes, vectors)
    assert tracks.tolist() == [0, 0, 1, 2, 3]  # another face; another place; another film
    assert groups_of(tracks, pictures, vectors).tolist() == [0, 0, 1, 0, 0]
    both = np.array([[1, 0], [1, 0]], np.float32)
    assert sorted(groups_of(np.array([3, 5]), [0, 0], both).tolist()) == [0, 1]
    assert groups_of(np.array([0]), [0], both[:1]).tolist() == [0]


def test_many_tracks_are_grouped_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve people of 20 heads, seven compared at once."""
    people = np.repeat(np.eye(12), 20, axis=0)
    vectors = people + np.random.default_rng(0).normal(0, 0.05, people.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = np.random.default_rng(1).permutation(240)
    expected = groups_of(np.arange(240), order.tolist(), vectors)
    assert np.bincount(expected).tolist() == [20] * 12
    monkeypatch.setattr(groups, "MOST", 7)
    parts = groups_of(np.arange(240), order.tolist(), vectors)
    assert len({*zip(expected, parts, strict=True)}) == 12, "the same ones, whatever their numbers"
    one = np.tile(vectors[:1], (8, 1))
    alone = groups_of(np.arange(8), [0] * 8, one)
    assert alone[7] not in alone[:7], "who joins is in no picture of the group"


@pytest.mark.parametrize("damage", [{}, {"digest": np.array("another")}, {"heads": np.ones(3)}, None])
def test_a_head_is_looked_at_once(folder: Path, damage: dict[str, np.ndarray] | None) -> None:
    first, again = Likeness(), Likeness()
    Desk(folder, first)  # pyright: ignore[reportArgumentType]
    assert first.looks == 2 * PICTURES
    path, anew = folder / SEEN, damage != {}
    if damage is None:
        path.write_bytes(path.read_bytes()[:99])
    else:
        write_arrays(path, read_arrays(path) | damage)
    desk = Desk(folder, again)  # pyright: ignore[reportArgumentType]
    assert again.looks == (2 * PICTURES if anew else 0)
    assert np.bincount([head.group for one in desk.pictures for head in one.heads]).tolist() == [PICTURES] * 2


LABEL = """
import sys
from pathlib import Path
from tests.labelling.test_desk import as_shown, opened
desk, said = opened(Path(sys.argv[1])), 0
while (question := desk.ask("me")) is not None:
    said += 1
    if question.tracks:
        desk.name_group("me", question.key, f"Name {said}", ())
    else:
        desk.confirm("me", question.key, as_shown(desk, question))
    print(f"Name {said}" if question.tracks else "sheet", flush=True)
"""
DRAFT = "import sys\nfrom tests.labelling.test_desk import draft\nwhile True:\n    draft(sys.argv[1])"


def draft(folder: str) -> None:
    """Draws all drafts anew, as a detector that learns meanwhile does."""
    for xml in sorted(Path(folder, "Annotations").glob("*.xml")):
        objects = voc_objects(np.array([LEFT, RIGHT]), ("head", "head"), 128, 96)
        write_draft(xml, xml.with_suffix(".png"), 128, 96, objects)


@pytest.mark.slow
def test_fifty_kills_lose_no_answer(folder: Path, seed: int) -> None:
    """Every file is whole at any moment, and a name that was answered is there."""
    chance = random.Random(seed)
    environment = {**os.environ, "KERAS_BACKEND": "numpy", "PYTHONPATH": str(ROOT)}
    ended = set()
    for _ in range(50):
        shutil.rmtree(folder)
        make_set(folder)
        drafts, labels = ([sys.executable, "-c", script, str(folder)] for script in (DRAFT, LABEL))
        with (
            subprocess.Popen(drafts, env=environment) as drafting,
            subprocess.Popen(labels, env=environment, stdout=subprocess.PIPE, text=True) as process,
        ):
            assert process.stdout is not None
            heard = process.stdout.readline()
            time.sleep(chance.random() * 0.06)
            process.kill()
            drafting.kill()
            answers = (heard + process.stdout.read()).splitlines()
        there = [name for names in on_disk(folder) for name in names]  # or a file is not whole
        for number, answer in enumerate(answers[:2], 1):
            assert answer == f"Name {number}"
            assert there.count(answer) == PICTURES
        sure = [read_xml(xml).verified for xml in folder.rglob("*.xml")]
        assert all(sure) or "sheet" not in answers
        ended.add((len(answers), sum(sure)))
    assert len(ended) > 2, "it was always killed at the same place"
