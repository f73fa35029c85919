"""Drafts are told from a person's annotations, are never taken for them, and never replace them."""

from pathlib import Path

import pytest
from PIL import Image

from datasets.annotations import ReadOptions, read_folder
from datasets.voc import VocObject, is_draft, read_xml
from labelling.drafts import may_write, write_draft

BOX = VocObject('千反田える & "co"', (3, 4, 20, 30), difficult=1)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a_1.png"
    Image.new("RGB", (40, 40), "red").save(path)
    return path


def test_draft_can_be_written_again_until_somebody_changes_it(picture: Path) -> None:
    xml = picture.with_suffix(".xml")
    assert may_write(xml)
    assert write_draft(xml, picture, 40, 40, [BOX])
    assert is_draft(read_xml(xml))
    assert b'verified="no"' in xml.read_bytes()
    for objects in ([BOX, VocObject("x", (1, 1, 5, 5))], [], [BOX]):
        assert write_draft(xml, picture, 40, 40, objects)
    drawn = xml.read_bytes()

    for before, after in ((b"<xmin>3<", b"<xmin>4<"), (b"co", b"x"), (b'"no"', b'"yes"'), (b"draft ", b"")):
        changed = drawn.replace(before, after, 1)
        assert changed != drawn
        xml.write_bytes(changed)
        assert not may_write(xml), before
        assert not write_draft(xml, picture, 40, 40, [])
        assert xml.read_bytes() == changed


def test_conversion_leaves_drafts_out(picture: Path) -> None:
    write_draft(picture.with_suffix(".xml"), picture, 40, 40, [BOX])
    reading = read_folder(picture.parent, ReadOptions())
    assert reading.annotations == []
    (problem,) = reading.problems
    said = "draft that nobody has looked at", "left out; --with_drafts takes it"
    assert (problem.kind, problem.action) == said
    (annotation,) = read_folder(picture.parent, ReadOptions(with_drafts=True)).annotations
    assert annotation.names == (BOX.name,)
