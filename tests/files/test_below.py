"""A walk over a folder survives what a folder can hold, opens none of it, and says what it passed over."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from files.below import files_below
from tests.conftest import tree

LINK, NOWHERE = "link to a folder is not followed", "link that leads to no file"
SPECIAL, UNREAD = "neither a file nor a folder", "2 files of kinds that are not read: 1 '', 1 '.rm'"


def walk(folder: Path, *suffixes: str, **options) -> tuple[list[str], dict[str, str]]:
    told: dict[Path, str] = {}
    found = list(files_below(folder, suffixes or None, tell=told.setdefault, **options))
    said = {path.relative_to(folder).as_posix(): why for path, why in told.items()}
    return [path.relative_to(folder).as_posix() for path in found], said


def make(folder: Path, links: Mapping[str, str | Path], *files: str) -> None:
    tree(folder, files)
    for name, target in links.items():
        (folder / name).symlink_to(target)


def test_whatever_lies_in_a_folder(tmp_path, monkeypatch, caplog):
    long = f"{'n' * 251}.jpg"
    lost = {"loop.jpg": "loop.jpg", "gone.jpg": "nowhere", "unmounted": "/no/disk", "zero.jpg": "/dev/zero"}
    noise = "._a.jpg", "Thumbs.db", "@eaDir/a.jpg", ".git/a.jpg", "b.xml"
    make(tmp_path, lost, "b.jpg", "a.jpg/x.jpg", "x.RM", "y", long, *noise)
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.jpg")
    found, told = walk(tmp_path, ".jpg")
    assert found == ["b.jpg", long, "a.jpg/x.jpg"]
    assert told == dict.fromkeys(lost, NOWHERE) | {"pipe.jpg": SPECIAL, "s.jpg": SPECIAL, ".": UNREAD}
    monkeypatch.setattr(Path, "iterdir", lambda self: (_ for _ in ()).throw(PermissionError(13, "Shut")))
    assert list(files_below(tmp_path)) == []  # where nobody asks it is said all the same
    assert f"'{tmp_path}': folder cannot be read: Shut; passed over" in caplog.text


def test_a_link_to_a_folder_elsewhere_is_followed_once_and_circles_end(tmp_path):
    folder, disk = tmp_path / "set", tmp_path / "disk/ep"
    make(disk, {"back": folder}, "1.jpg")
    make(folder, {"a": disk, "b": disk, "up": tmp_path, "in2": folder / "in"}, "x.jpg", "in/y.jpg")
    found, told = walk(folder)
    assert found == ["x.jpg", "a/1.jpg", "in/y.jpg"]
    assert told == dict.fromkeys(("a/back", "b", "in2", "up"), LINK)
    assert walk(folder, links=False)[0] == walk(folder, exclude=[disk])[0] == ["x.jpg", "in/y.jpg"]


names = st.binary(min_size=1, max_size=6).map(lambda raw: os.fsdecode(raw.translate(None, b"/\0.") or b"x"))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.lists(names, min_size=1, max_size=4), st.sampled_from("fdlp")), max_size=8))
def test_any_tree_is_walked_and_no_file_comes_twice(tmp_path_factory, entries):
    folder = tmp_path_factory.mktemp("tree")
    makers = {"f": Path.touch, "d": Path.mkdir, "p": os.mkfifo}
    for parts, kind in entries:
        path = folder.joinpath(*parts)
        with suppress(OSError):  # another one has the name
            path.parent.mkdir(parents=True, exist_ok=True)
            makers.get(kind, lambda path: path.symlink_to(folder.joinpath(*entries[0][0])))(path)
    found, told = walk(folder)
    special = {path for path, why in told.items() if why != LINK}
    assert (
        len({*found, *special}) == sum(len(some) for *_, some in os.walk(folder)) == len(found) + len(special)
    )
