import json
import os
from pathlib import Path

import pytest

from faces.moves import Mover, copied_before, folder_name, undo


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    for name in ("a.jpg", "b.jpg", "sub/a.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix == ".jpg"
    }


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("links", [True, False], ids=["links", "another disk"])
def test_move_and_back(faces, tmp_path, monkeypatch, copy, links):
    if not links:

        def refuse(a, b):
            raise OSError("another disk")

        monkeypatch.setattr(os, "link", refuse)
    before, out = tree(faces), tmp_path / "out"
    with Mover(faces, out, copy=copy) as mover:
        for path in sorted(faces.rglob("*.jpg")):
            mover.move(path, "千反田")
    assert tree(out) == {"千反田/a.jpg": "a.jpg", "千反田/b.jpg": "b.jpg", "千反田/a_2.jpg": "sub/a.jpg"}
    assert tree(faces) == (before if copy else {})
    undone = undo(mover.log)
    assert (undone.restored, undone.left) == (3, ())
    assert tree(faces) == before
    assert sorted(path.name for path in out.iterdir()) == [mover.log.name]


def test_nothing_is_ever_overwritten(faces, tmp_path):
    out = tmp_path / "out"
    (out / "x").mkdir(parents=True)
    (out / "x" / "a.jpg").write_text("mine")
    with Mover(faces, out) as mover:
        assert mover.move(faces / "a.jpg", "x") == out / "x" / "a_2.jpg"
    (faces / "a.jpg").write_text("a new one, meanwhile")
    assert undo(mover.log).left == (out / "x" / "a_2.jpg",)
    assert tree(out) == {"x/a.jpg": "mine", "x/a_2.jpg": "a.jpg"}
    assert tree(faces)["a.jpg"] == "a new one, meanwhile"


def test_what_a_person_moved_on_is_left(faces, tmp_path):
    with Mover(faces, tmp_path / "out") as mover:
        mover.move(faces / "a.jpg", "x")
        mover.move(faces / "b.jpg", "x")
    (tmp_path / "out" / "x" / "a.jpg").rename(tmp_path / "elsewhere.jpg")
    undone = undo(mover.log)
    assert (undone.restored, [path.name for path in undone.left]) == (1, ["a.jpg"])


def test_a_log_of_nothing_does_not_stay(faces, tmp_path):
    with Mover(faces, tmp_path / "out"):
        pass
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("千反田 える", "千反田 える"),
        ("../../etc", "_.._etc"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "_"),
        (" .hidden. ", "hidden"),
        ("", "_"),
        ("x\0\n\u202ey", "x___y"),
        ("あ" * 300, "あ" * 100),
    ],
)
def test_a_name_is_never_a_path(name, folder):
    assert folder_name(name) == folder


@pytest.mark.parametrize(
    "line",
    [
        {"file": "../out.jpg", "to": "x/a.jpg"},
        {"file": "a.jpg", "to": "/etc/passwd"},
        {"file": "a.jpg", "to": "x/../../y"},
        {"file": ""},
        [],
    ],
)
def test_a_forged_log_reaches_nothing_outside(faces, tmp_path, line):
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"format": 1, "copies": False, "from": str(faces)}) + "\n" + json.dumps(line))
    with pytest.raises(ValueError, match="not a log of sorted files"):
        undo(log)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "no json"])
def test_what_is_no_log_is_said(tmp_path, text):
    log = tmp_path / "log.jsonl"
    log.write_text(text)
    with pytest.raises(ValueError, match=r"log\.jsonl: not a log of sorted files"):
        undo(log)
    with pytest.raises(ValueError, match="there is no such file"):
        undo(tmp_path / "gone.jsonl")


def test_copies_that_are_still_there_are_known(faces, tmp_path):
    out = tmp_path / "out"
    with Mover(faces, out, copy=True) as mover:
        kept, gone = (mover.move(faces / name, "x") for name in ("a.jpg", "sub/a.jpg"))
    with Mover(faces, out) as moved:
        moved.move(faces / "b.jpg", "x")
    (out / "sorting_notes.jsonl").write_text("of somebody else")
    assert copied_before(faces, out) == {faces / "a.jpg", faces / "sub" / "a.jpg"}
    gone.unlink()
    assert copied_before(faces, out) == {faces / "a.jpg"}
    assert kept.exists()
    assert copied_before(tmp_path / "other", out) == set()
    assert copied_before(faces, tmp_path / "not there") == set()
