"""Renaming and removing objects keeps everything else that a person's file says."""

from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.labels import clean_name
from datasets.voc import XmlError, parse_xml, rename_objects
from tests.datasets.test_splits import TABLES

BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
PERSONAL = TABLES["personal"].replace("BOX", BOX)


def names(data: bytes) -> list[str | None]:
    return [item.name for item in parse_xml(data).objects]


def test_only_the_name_changes():
    edited = rename_objects(PERSONAL.encode(), {"A & b": "折木 <奉太郎>", "千反田": "千反田"}.get)
    assert edited.decode() == PERSONAL.replace(
        "<name>A &amp; b</name><b", "<name>折木 &lt;奉太郎&gt;</name><b"
    )
    edited = rename_objects(PERSONAL.encode(), lambda name: "える" if name == "千反田" else name)
    assert edited.decode() == PERSONAL.replace("<![CDATA[千反田]]>", "える")


def test_a_removed_object_takes_its_line_with_it():
    edited = rename_objects(PERSONAL.encode(), lambda name: None if name == "A & b" else name).decode()
    start, end = PERSONAL.index("\r\n\t<object id"), PERSONAL.index("\r\n\t<object>\r\n\t\t")
    assert edited == PERSONAL[:start] + PERSONAL[end:]
    assert names(rename_objects(PERSONAL.encode(), lambda name: None)) == [None]


def test_what_does_not_change_is_the_same_object():
    data = PERSONAL.encode()
    assert rename_objects(data, lambda name: name) is data
    assert rename_objects(data, lambda name: "x" if name == "nobody" else name) is data


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-16", "える"), ("iso-8859-1", "&#12360;&#12427;"), ("utf-8-sig", "える")]
)
def test_other_encodings_stay(encoding, expected):
    declared = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    objects = f"<object><name>a</name>{BOX}</object>"
    text = f'<?xml version="1.0" encoding="{declared}"?><annotation>\n{objects}</annotation>'
    edited = rename_objects(text.encode(encoding), lambda name: "える")
    assert edited.decode(encoding) == text.replace(">a<", f">{expected}<")
    assert names(edited) == ["える"]


def test_a_name_in_two_unicode_spellings_is_one():
    data = f"<annotation><object><name> ガ\n</name>{BOX}</object></annotation>".encode()
    assert names(rename_objects(data, lambda name: "b" if name == "ガ" else name)) == ["b"]


DOCTYPE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///x">]>'


@pytest.mark.parametrize("start", [DOCTYPE + b"<annotation>", b"<annotation>", b"<html/>", b""])
def test_hostile_and_broken_files_are_refused(start):
    with pytest.raises(XmlError):
        rename_objects(start + b"<object><name>a</name></object>", lambda name: "b")


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(first=texts, second=texts, new=texts)
def test_any_name_becomes_any_other_and_nothing_else_changes(first, second, new):
    new = clean_name(new) or "x"
    text = "".join(f"<object>\n<name>{escape(name)}</name>{BOX}</object>" for name in (first, second))
    data = f"<annotation>{text}</annotation>".encode()
    old = clean_name(first)
    edited = rename_objects(data, lambda name: new if name == old else name)
    expected = [new if name == old and name else name for name in (old, clean_name(second))]
    assert [clean_name(name or "") for name in names(edited)] == expected
    assert len(parse_xml(edited).objects) == 2
