import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.annotations import ReadOptions, read_folder
from datasets.inbox import ACCEPTED, PENDING, REJECTED, Inbox, ReportedBox
from datasets.voc import read_xml

IMAGE = np.full((60, 80, 3), (200, 30, 90), np.uint8)
MIRA = ReportedBox((10, 10, 40, 50), "Mira", was="Tobi")
NOBODY = ReportedBox((50, 10, 80, 60), None, was="Tobi")


def files(inbox, state=PENDING):
    return sorted(path.name for path in (inbox.folder / state).iterdir())


def keys(inbox, state=PENDING):
    return [report.key for report in inbox.reports(state)]


def test_a_report_is_a_picture_and_unconfirmed_xml(inbox):
    key, new = inbox.add(IMAGE, [MIRA, NOBODY], model="ssd_300_lite")
    assert new
    assert files(inbox) == [f"{key}.jpg", f"{key}.json", f"{key}.xml"]
    raw = read_xml(inbox.path(key, ".xml"))
    assert not raw.verified
    assert raw.size == (80, 60)
    assert [(one.name, one.box) for one in raw.objects] == [("Mira", ("10", "10", "40", "50"))]
    (report,) = inbox.reports()
    assert (report.key, report.names, report.corrections) == (key, ("Mira",), 2)
    with Image.open(inbox.path(key, ".jpg")) as picture:
        assert picture.size == (80, 60)
        assert not picture.getexif()
    said = json.loads(inbox.path(key, ".json").read_text(encoding="utf-8"))
    assert said["model"] == "ssd_300_lite"
    assert [one["was"] for one in said["boxes"]] == ["Tobi", "Tobi"]


def test_the_same_report_twice_is_one_wherever_it_is(inbox):
    first, _ = inbox.add(IMAGE, [MIRA, NOBODY])
    assert inbox.add(IMAGE, [NOBODY, MIRA]) == (first, False)
    second, new = inbox.add(IMAGE, [MIRA])
    assert new
    assert inbox.add(IMAGE[:50], [ReportedBox((10, 10, 40, 50), "Mira", None)])[1]
    assert len(inbox.reports()) == 3
    inbox.reject(first)
    inbox.mark_accepted(second)
    assert [keys(inbox, state) for state in (REJECTED, ACCEPTED)] == [[first], [second]]
    assert inbox.add(IMAGE, [MIRA, NOBODY]) == (first, False)
    assert inbox.add(IMAGE, [MIRA]) == (second, False)
    assert files(inbox, REJECTED) == [f"{first}.jpg", f"{first}.json", f"{first}.xml"]
    assert files(inbox, ACCEPTED) == [f"{second}.json"]


def test_two_servers_with_many_at_once_lose_nothing_and_double_nothing(inbox):
    servers = inbox, Inbox(inbox.folder)

    def send(number):
        box = ReportedBox((1, 1, 20 + number % 5, 30), "Mira", None)
        return servers[number // 5 % 2].add(IMAGE, [box])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(send, range(40)))
    assert len({key for key, _ in results}) == 5 == len(inbox.reports())
    assert keys(servers[0]) == keys(servers[1])
    assert len(files(inbox)) == 15


def test_a_key_is_never_a_path(inbox):
    with pytest.raises(ValueError, match="is not the key of a report"):
        inbox.path("../../../etc/passwd00000000000000", ".xml")


@pytest.fixture
def power_goes(monkeypatch):
    """Runs something until a file that ends so has its name."""

    def run_until(last, action, *arguments):
        replace = Path.replace

        def dying(self, target):
            replace(self, target)
            if str(target).endswith(last):
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying)
            with pytest.raises(KeyboardInterrupt):
                action(*arguments)

    return run_until


@pytest.mark.parametrize("last", [".jpg", ".json", ".xml"])
def test_a_crash_after_any_file_loses_nothing_that_was_confirmed(inbox, power_goes, last):
    confirmed, _ = inbox.add(IMAGE[:, :70], [ReportedBox((1, 1, 20, 20), "Tobi", None)])
    power_goes(last, inbox.add, IMAGE, [MIRA])
    again = Inbox(inbox.folder)
    assert confirmed in keys(again)
    assert len(keys(again)) == (2 if last == ".xml" else 1)  # with its XML the report is complete
    key, new = again.add(IMAGE, [MIRA])  # the visitor, who had no answer, sends it again
    assert new == (last != ".xml")
    assert sorted(keys(again)) == sorted([confirmed, key])


@pytest.mark.parametrize("last", [".jpg", ".json"])
def test_a_crash_while_a_report_is_set_aside_can_be_made_good(inbox, power_goes, last):
    key, _ = inbox.add(IMAGE, [MIRA])
    power_goes(last, inbox.reject, key)
    again = Inbox(inbox.folder)
    assert keys(again) == [key]
    again.reject(key)
    assert (keys(again), keys(again, REJECTED)) == ([], [key])


def test_what_was_abandoned_is_cleared(inbox):
    key, _ = inbox.add(IMAGE, [MIRA])
    old = [inbox.folder / PENDING / name for name in (f"{'0' * 32}.jpg", f"{'0' * 32}.json", ".1.tmp")]
    fresh = inbox.folder / PENDING / f"{'1' * 32}.jpg"
    for path in (*old, fresh):
        path.write_bytes(b"half")
    for path in (*old, *(inbox.folder / PENDING).glob(f"{key}*")):
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    Inbox(inbox.folder)
    assert files(inbox) == sorted([fresh.name, f"{key}.jpg", f"{key}.json", f"{key}.xml"])


def test_an_inbox_that_had_an_index_is_read_without_it(inbox):
    key, _ = inbox.add(IMAGE, [MIRA])
    said = json.loads(inbox.path(key, ".json").read_text(encoding="utf-8"))
    inbox.path(key, ".json").write_text(json.dumps({**said, "state": "pending"}), encoding="utf-8")
    (inbox.folder / "index.sqlite").write_bytes(b"SQLite format 3\0")
    (inbox.folder / PENDING / "a picture of the operator's.xml").write_text("<annotation/>")
    assert keys(Inbox(inbox.folder)) == [key]


def test_an_inbox_is_never_read_as_a_data_set(inbox):
    inbox.add(IMAGE, [MIRA])
    for folder in (inbox.folder, inbox.folder / PENDING):
        with pytest.raises(ValueError, match="nobody has confirmed yet"):
            read_folder(folder, ReadOptions())
    assert read_folder(inbox.folder.parent, ReadOptions()).annotations == []
