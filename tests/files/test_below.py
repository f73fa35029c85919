"""A walk over a folder survives what a folder can hold, opens none of it, and says what it passed over."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from files.below import files_below


def walk(folder: Path, *suffixes: str, **options) -> tuple[list[str], dict[str, str]]:
    told: dict[Path, str] = {}
    found = list(files_below(folder, suffixes or None, tell=told.setdefault, **options))
    return [os.path.relpath(path, folder) for path in found], {
        os.path.relpath(path, folder): why for path, why in told.items()
    }


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


LINK, NOWHERE, SPECIAL = (
    "link to a folder is not followed",
    "link that leads to no file",
    "neither a file nor a folder",
)


def test_whatever_lies_in_a_folder(tmp_path):
    folder = tmp_path / "set"
    make(
        folder,
        "b.jpg",
        "a.jpg/x.jpg",
        "._a.jpg",
        "Thumbs.db",
        "@eaDir/a.jpg",
        ".git/a.jpg",
        "n" * 251 + ".jpg",
    )
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (folder / "unmounted").symlink_to(tmp_path / "disk")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "copy.jpg").symlink_to("b.jpg")
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "s.jpg"))
    found, told = walk(folder, ".jpg")
    assert found == ["b.jpg", "copy.jpg", "n" * 251 + ".jpg", "a.jpg/x.jpg"]
    assert told == {
        **dict.fromkeys(("loop.jpg", "gone.jpg", "unmounted", "zero.jpg"), NOWHERE),
        **dict.fromkeys(("pipe.jpg", "s.jpg"), SPECIAL),
    }


def test_a_link_to_a_folder_elsewhere_is_followed_once_and_circles_end(tmp_path):
    folder, disk = tmp_path / "set", tmp_path / "disk"
    make(folder, "x.jpg", "in/y.jpg")
    make(disk, "ep/1.jpg")
    for name, target in {
        "ep01": disk / "ep",
        "ep02": disk / "ep",
        "up": tmp_path,
        "in2": folder / "in",
    }.items():
        (folder / name).symlink_to(target)
    (disk / "ep" / "back").symlink_to(folder)
    found, told = walk(folder)
    assert found == ["x.jpg", "ep01/1.jpg", "in/y.jpg"]
    assert told == dict.fromkeys(("ep01/back", "ep02", "in2", "up"), LINK)
    assert walk(folder, links=False)[0] == ["x.jpg", "in/y.jpg"]
    assert walk(folder, exclude=[disk / "ep"])[0] == ["x.jpg", "in/y.jpg"]


def test_a_tree_too_deep_for_recursion_and_a_path_too_long_for_the_system(tmp_path, monkeypatch):
    for depth in range(25):  # 4 kB is the longest path that Linux takes
        monkeypatch.chdir(tmp_path if depth == 0 else "d" * 200)
        Path("d" * 200).mkdir()
    make(tmp_path, "a.jpg", f"{'d' * 200}/b.jpg")
    found, told = walk(tmp_path)
    assert found == ["a.jpg", f"{'d' * 200}/b.jpg"]
    assert list(told.values()) == [SPECIAL]


@pytest.mark.parametrize("mode", [0o000, 0o400])
def test_a_folder_without_permission_is_told(tmp_path, mode, monkeypatch):
    make(tmp_path, "a.jpg", "shut/b.jpg")
    (tmp_path / "shut").chmod(mode)
    if os.geteuid() == 0:  # root may read everything
        listing = Path.iterdir

        def refuse(self):
            if self.name == "shut":
                raise PermissionError(13, "Permission denied")
            return listing(self)

        monkeypatch.setattr(Path, "iterdir", refuse)
    found, told = walk(tmp_path)
    (tmp_path / "shut").chmod(0o700)
    assert found == ["a.jpg"]
    assert list(told) == ["shut" if mode == 0 or os.geteuid() == 0 else "shut/b.jpg"]


def test_nobody_asks_and_it_is_said_all_the_same(tmp_path, caplog):
    (tmp_path / "a\x1b.jpg").symlink_to("gone")
    assert list(files_below(tmp_path)) == []
    assert "a\\x1b.jpg': link that leads to no file; passed over" in caplog.text


names = st.binary(min_size=1, max_size=6).map(lambda raw: os.fsdecode(raw.translate(None, b"/\0.") or b"x"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.lists(names, min_size=1, max_size=4), st.sampled_from("fdlp")), max_size=8))
def test_any_tree_is_walked_and_no_file_comes_twice(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("tree")
    for parts, kind in tree:
        path = folder.joinpath(*parts)
        with suppress(OSError):  # another one has the name
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "l":
                path.symlink_to(folder.joinpath(*tree[0][0]))
            else:
                {"f": Path.touch, "d": Path.mkdir, "p": os.mkfifo}[kind](path)
    found, told = walk(folder)
    real = [name for _, _, some in os.walk(folder) for name in some]
    assert len(found) == len(set(found))
    assert len(found) + sum(why != LINK for why in told.values()) == len(real)
