"""Whatever happens while a file is written, under its name is the old one or the new one; and threads."""

import csv
import errno
import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.parallel import map_in_threads, map_with_beam
from files.reading import as_utf8
from files.telling import printable, why, write_table
from files.writing import whole_file, write_bytes, write_json


@pytest.mark.parametrize("durable", [False, True])
def test_the_name_comes_last(tmp_path, durable):
    path = tmp_path / "千反田.txt"
    write_bytes(path, b"old")
    with whole_file(path, durable=durable) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_text() == "old"
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_bytes(path, b"old")

    def stopped():
        with whole_file(path) as temporary:
            temporary.write_bytes(b"ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    with pytest.raises(OSError, match="No space") as full, whole_file(path):
        raise OSError(errno.ENOSPC, "No space")  # of no file, as of a full disk
    with pytest.raises(FileNotFoundError) as lost, whole_file(path):
        (tmp_path / "other").read_bytes()
    with pytest.raises(OSError, match="Is a dir") as taken:
        write_bytes(tmp_path, b"")
    assert why(full.value) == f"{path}: No space; make room there, or choose another disk"
    assert why(lost.value).startswith(f"{tmp_path}/other: No such file")
    assert why(taken.value).startswith(f"{tmp_path}: Is a directory; rename what has this name")
    assert why(OSError("odd")) == why(ValueError("odd")) == "odd"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_previous_file_is_kept_where_asked(tmp_path):
    path, previous = tmp_path / "state.npz", tmp_path / "state.previous.npz"
    for text in (b"1", b"2", b"3"):
        with whole_file(path, durable=True, previous=previous) as temporary:
            temporary.write_bytes(text)
    assert (path.read_bytes(), previous.read_bytes()) == (b"3", b"2")


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / ("a" * 251 + ".jpg")  # a name as long as names can be
    with whole_file(path) as first, whole_file(path) as second:
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert path.read_bytes() == b"first"  # whose block ended last


def test_durable_reaches_the_disk_before_the_name(tmp_path, monkeypatch):
    happened = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (happened.append("sync"), sync(file))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (happened.append("rename"), replace(self, to))[1])
    write_bytes(tmp_path / "a", b"x", durable=True)
    assert happened == ["sync", "rename", "sync"]  # the file, its name, the folder


def test_a_table_reads_back(tmp_path):
    path = tmp_path / "a.csv"
    write_table(path, ("name", "boxes"), [("千,反\n田", 3), ('"a"', None), ("=1+1.jpg", -2), ("-b", "-0.5")])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[:3] == [["name", "boxes"], ["千,反\ufffd田", "3"], ['"a"', "None"]]
    assert rows[3:] == [["'=1+1.jpg", "-2"], ["'-b", "-0.5"]]  # no spreadsheet computes a name


def test_printable():
    assert printable("千反田.xml") == "千反田.xml"
    assert printable("a\nb\x1b") == "a\ufffdb\ufffd"
    assert printable("千反田\u3000می\u200cخو\u202e.xml") == "千反田\u3000می\u200cخو\ufffd.xml"
    assert (
        printable(os.fsdecode("千反田".encode("gbk"))) == "ǧ\\xb7\\xb4\\xcc\\xef"
    )  # of its bytes two are UTF-8


@given(st.binary(min_size=1, max_size=12).filter(lambda name: b"\\" not in name))
def test_every_file_name_is_written_and_no_two_alike(raw):
    written = as_utf8(os.fsdecode(raw)).encode()
    assert re.sub(rb"\\x(..)", lambda byte: bytes.fromhex(byte[1].decode()), written) == raw


def test_json_keeps_what_no_utf8_holds(tmp_path):
    write_json(tmp_path / "a.json", odd := [os.fsdecode(b"\xc7\xa7\xb7.jpg"), "\ud83d"])
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == odd


def test_threads_keep_the_order_and_take_no_more_than_they_need():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = map_in_threads(lambda number: number * number, items(), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + 8
    results.close()
    assert list(map_in_threads(abs, [-1, -2], workers=5)) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda number: 1 // number, [1, 0, 2], workers=2))


class Pipeline:
    """As much of Apache Beam as is used, with a whim: the last part comes first, and twice."""

    def __init__(self, runner, flags):
        if runner == "Nobody":
            raise ValueError("Unexpected pipeline runner: Nobody.")
        self.flags, self.parts = flags, []

    def __enter__(self):
        return self

    def __or__(self, step):
        if isinstance(step, list):
            self.parts = [*step[::-1], step[0]]
        elif step is not None:
            list(map(step, self.parts))
        return self

    def __exit__(self, *error):
        pass


def test_a_cluster_gives_what_threads_give(tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match="--runner X: Apache Beam is not installed here; `make setup BEAM=1`"
    ):
        list(map_with_beam(abs, [-1], runner="X", folder=tmp_path))
    beam = SimpleNamespace(
        Pipeline=Pipeline, Create=list, Reshuffle=lambda: None, Map=lambda function: function
    )
    monkeypatch.setitem(sys.modules, "apache_beam", beam)
    options = SimpleNamespace(PipelineOptions=list)
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", options)
    (tmp_path / "out" / ".beam_killed").mkdir(parents=True)
    where = {"folder": tmp_path / "out", "at_once": 2}
    assert list(map_with_beam(abs, range(-5, 0), runner="DirectRunner --workers=2", **where)) == [
        5,
        4,
        3,
        2,
        1,
    ]
    with pytest.raises(ValueError, match="--runner Nobody: Unexpected pipeline runner"):
        list(map_with_beam(abs, [-1], runner="Nobody", **where))
    with pytest.raises(ValueError, match="--runner A: invalid literal"):
        list(map_with_beam(int, ["1", "2", "no"], runner="A", **where))
    assert list((tmp_path / "out").iterdir()) == []
