import numpy as np
import pytest

from datasets.annotations import ReadOptions, read_folder
from datasets.inbox import ReportedBox
from tests.conftest import tree
from tests.datasets.one_of_everything import labelled
from tests.tools.test_doors import TABLES
from tools import inbox as command

IMAGE = np.full((60, 80, 3), (200, 30, 90), np.uint8)


def add(inbox, name="千反田 <&> ../x", image=IMAGE):
    boxes = [ReportedBox((1, 5, 80, 50), name, None), ReportedBox((2, 2, 9, 9), None, "a")]
    return inbox.add(image, boxes)[0]


def run(inbox, *arguments):
    name, *rest = map(str, arguments)
    return command.main([name, "--inbox", str(inbox.folder), *rest])


def test_list_shows_what_waits(inbox, capsys):
    key = add(inbox)
    assert run(inbox, "list") == 0
    shown = capsys.readouterr().out
    assert key[:8] in shown
    assert "千反田" in shown
    assert run(inbox, "list", "--state", "accepted") == 0
    assert "No accepted reports" in capsys.readouterr().out


def test_accept_brings_it_confirmed_into_the_data_set(inbox, tmp_path):
    key, data = add(inbox), tmp_path / "data"
    assert run(inbox, "accept", key[:6], "--dataset_dir", data) == 0
    (annotation,) = read_folder(data, ReadOptions(verified_only=True)).annotations
    assert annotation.names == ("千反田 <&> ../x",)
    np.testing.assert_allclose(annotation.boxes, [[5 / 60, 1 / 80, 50 / 60, 1.0]], atol=1e-6)
    assert [report.key for report in inbox.reports("accepted")] == [key]
    assert not list((inbox.folder / "pending").iterdir())


@pytest.mark.parametrize("lists", ["ImageSets/Main", "ImageSets"])
def test_a_flat_data_set_stays_flat_and_a_list_of_splits_learns_of_it(inbox, tmp_path, lists):
    flat, voc = tree(tmp_path / "flat", ["notes.txt"]), tree(tmp_path / "voc", {f"{lists}/train.txt": "a\n"})
    for folder in ("JPEGImages", "Annotations"):
        (voc / folder).mkdir()
    first, second = add(inbox), add(inbox, image=IMAGE[:50])
    assert run(inbox, "accept", first, "--dataset_dir", flat) == 0
    assert run(inbox, "accept", second, "--dataset_dir", voc) == 0
    assert sorted(path.suffix for path in flat.iterdir()) == [".jpg", ".txt", ".xml"]
    (stem,) = (path.stem for path in (voc / "JPEGImages").iterdir())
    assert (voc / lists / "train.txt").read_text() == f"a\n{stem}\n"


def test_only_what_was_confirmed_in_labelimg(inbox, tmp_path):
    sure, unsure = add(inbox), add(inbox, image=IMAGE[:50])
    xml = inbox.path(sure, ".xml")
    xml.write_text(xml.read_text().replace('verified="no"', 'verified="yes"'))
    assert run(inbox, "accept", "--verified", "--dataset_dir", tmp_path / "data") == 0
    assert len(list((tmp_path / "data" / "Annotations").iterdir())) == 1
    assert [report.key for report in inbox.reports()] == [unsure]


def test_a_picture_that_is_there_already_is_not_overwritten(inbox, tmp_path, capsys):
    data = tmp_path / "data"
    first, second = add(inbox, "Mira"), add(inbox, "Tobi")
    assert run(inbox, "accept", first, "--dataset_dir", data) == 0
    assert run(inbox, "accept", second, "--dataset_dir", data) == 1
    assert "is there already, from an earlier report about the same picture" in capsys.readouterr().err
    (annotation,) = read_folder(data, ReadOptions()).annotations
    assert annotation.names == ("Mira",)
    assert run(inbox, "reject", second) == 0
    assert sorted(p.suffix for p in (inbox.folder / "rejected").iterdir()) == [".jpg", ".json", ".xml"]
    assert inbox.reports() == []


def test_open_begins_with_the_report_that_was_asked_for(inbox, monkeypatch):
    seen = []
    monkeypatch.setattr(command.labelimg, "open_labelimg", lambda session: seen.append(
        (session.pictures, session.names, session.order.read_text())
    ))  # fmt: skip
    add(inbox, "Mira")
    key = add(inbox, "Tobi", image=IMAGE[:50])
    assert run(inbox, "open", key[:8]) == 0
    assert seen == [(inbox.folder / "pending", ("Mira", "Tobi"), f"{key}.jpg\n")]


@pytest.mark.parametrize(("arguments", "message"), TABLES["inbox_mistakes"])
def test_mistakes_are_one_line(inbox, capsys, arguments, message):
    add(inbox)
    add(inbox, image=IMAGE[:50])
    assert run(inbox, *arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_verified_only_leaves_out_and_says_so(tmp_path):
    for number, verified in enumerate((True, False, None)):
        labelled(tmp_path / f"a_{number}.png", IMAGE - 9 * number, "Mira", verified=verified)
    reading = read_folder(tmp_path, ReadOptions(verified_only=True))
    assert [one.stem for one in reading.annotations] == ["a_0"]
    left_out = [(one.file, one.kind) for one in reading.problems]
    assert left_out == [(f"a_{number}.png", "not confirmed by a person") for number in (1, 2)]
