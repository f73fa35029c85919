import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from datasets.annotations import ReadOptions, read_folder
from datasets.inbox import Inbox, ReportedBox
from datasets.inbox_index import InboxIndex
from datasets.voc import read_xml

IMAGE = np.full((60, 80, 3), (200, 30, 90), np.uint8)
MIRA = ReportedBox((10, 10, 40, 50), "Mira", was="Tobi")
NOBODY = ReportedBox((50, 10, 80, 60), None, was="Tobi")


@pytest.fixture
def inbox(tmp_path):
    box = Inbox(tmp_path / "inbox")
    yield box
    box.index.close()


def files(inbox, state="pending"):
    return sorted(path.name for path in (inbox.folder / state).iterdir())


def test_a_report_is_a_picture_and_unconfirmed_xml(inbox):
    key, new = inbox.add(IMAGE, [MIRA, NOBODY], model="m")
    assert new
    assert files(inbox) == [f"{key}.jpg", f"{key}.json", f"{key}.xml"]
    raw = read_xml(inbox.path(key, ".xml"))
    assert not raw.verified
    assert raw.size == (80, 60)
    assert [(one.name, one.box) for one in raw.objects] == [("Mira", ("10", "10", "40", "50"))]
    entry = inbox.index.get(key)
    assert (entry.state, entry.names, entry.corrections) == ("pending", ("Mira",), 2)
    with Image.open(inbox.path(key, ".jpg")) as picture:
        assert picture.size == (80, 60)
        assert not picture.getexif()


def test_the_same_report_twice_is_one(inbox):
    first, _ = inbox.add(IMAGE, [MIRA, NOBODY])
    assert inbox.add(IMAGE, [NOBODY, MIRA]) == (first, False)
    assert inbox.add(IMAGE, [MIRA])[1]
    assert inbox.add(IMAGE[:50], [ReportedBox((10, 10, 40, 50), "Mira", None)])[1]
    assert len(inbox.index.list()) == 3
    inbox.reject(first)
    assert inbox.add(IMAGE, [MIRA, NOBODY]) == (first, False)  # still known


def test_many_at_once_lose_nothing_and_double_nothing(inbox):
    def send(number):
        return inbox.add(IMAGE, [ReportedBox((1, 1, 20 + number % 5, 30), "Mira", None)])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(send, range(40)))
    assert sum(new for _, new in results) == 5
    assert len({key for key, _ in results}) == 5 == len(inbox.index.list())
    assert len(files(inbox)) == 15


def test_names_are_text(inbox):
    name = "../../x <script>alert(1)</script> & 千反田"
    key, _ = inbox.add(IMAGE, [ReportedBox((1, 1, 20, 20), name, None)])
    assert read_xml(inbox.path(key, ".xml")).objects[0].name == name
    assert len(files(inbox)) == 3
    with pytest.raises(ValueError, match="is not the key of a report"):
        inbox.path("../../../etc/passwd00000000000000", ".xml")


@pytest.mark.parametrize("last", [".jpg", ".json", ".xml"])
def test_a_crash_after_any_file_loses_nothing_that_was_confirmed(tmp_path, monkeypatch, last):
    inbox = Inbox(tmp_path / "inbox")
    confirmed, _ = inbox.add(IMAGE[:, :70], [ReportedBox((1, 1, 20, 20), "Tobi", None)])
    replace = os.replace
    path_replace = type(tmp_path).replace

    def dying(self, target):
        path_replace(self, target)
        if str(target).endswith(last):
            raise KeyboardInterrupt  # the power goes

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            inbox.add(IMAGE, [MIRA])
    assert os.replace is replace
    inbox.index.close()

    again = Inbox(tmp_path / "inbox")
    waiting = {entry.key for entry in again.index.list("pending")}
    assert confirmed in waiting
    assert len(waiting) == (2 if last == ".xml" else 1)  # with its XML the report is complete
    key, new = again.add(IMAGE, [MIRA])  # the visitor, who had no answer, sends it again
    assert new == (last != ".xml")
    assert {entry.key for entry in again.index.list("pending")} == {confirmed, key}
    again.index.close()


def test_what_was_abandoned_is_cleared_and_the_index_can_be_made_again(tmp_path):
    inbox = Inbox(tmp_path / "inbox")
    key, _ = inbox.add(IMAGE, [MIRA])
    before = inbox.index.get(key)
    inbox.index.close()
    for path in inbox.folder.glob("index.sqlite*"):
        path.unlink()
    old = inbox.folder / "pending" / f"{'0' * 32}.jpg"
    fresh = inbox.folder / "pending" / f"{'1' * 32}.jpg"
    for path in (old, fresh):
        path.write_bytes(b"half")
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    again = Inbox(inbox.folder)
    assert again.index.get(key) == before
    assert (old.exists(), fresh.exists()) == (False, True)
    again.index.close()


def test_an_inbox_is_never_read_as_a_data_set(inbox):
    inbox.add(IMAGE, [MIRA])
    for folder in (inbox.folder, inbox.folder / "pending"):
        with pytest.raises(ValueError, match="nobody has confirmed yet"):
            read_folder(folder, ReadOptions())
    assert read_folder(inbox.folder.parent, ReadOptions()).annotations == []


def test_an_index_that_cannot_be_opened_is_told_without_its_password(tmp_path):
    with pytest.raises(ValueError, match=r"cannot be opened at 'nonsense'"):
        InboxIndex("nonsense")
    with pytest.raises(ValueError, match="cannot be opened") as caught:
        InboxIndex("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_what_the_model_had_said_is_kept(inbox):
    key, _ = inbox.add(IMAGE, [MIRA, NOBODY], model="ssd_300_lite")
    said = json.loads(inbox.path(key, ".json").read_text(encoding="utf-8"))
    assert said["model"] == "ssd_300_lite"
    assert [one["was"] for one in said["boxes"]] == ["Tobi", "Tobi"]
