import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.annotations import outermost
from datasets.voc import (
    MAX_XML_BYTES,
    RawObject,
    VocObject,
    XmlError,
    numbers_of,
    read_xml,
    repair_objects,
    voc_objects,
    write_annotation,
)
from tests.datasets.one_of_everything import size_text, xml_object, xml_text
from tests.datasets.test_splits import TABLES

# What LabelImg 1.8 writes, character for character.
LABELIMG = Path(__file__).with_name("labelimg.xml").read_text(encoding="utf-8")

PICTURE = Path("JPEGImages/episode03_000123.jpg")


def test_writes_what_labelimg_writes(tmp_path):
    path = tmp_path / "a.xml"
    item = VocObject("千反田 & Oreki", (1, 20, 310, 360), truncated=1)
    write_annotation(path, PICTURE, 640, 360, [item], verified=True)
    assert path.read_text(encoding="utf-8") == LABELIMG
    write_annotation(path, PICTURE, 640, 360, [item], verified=False)
    assert path.read_text(encoding="utf-8") == LABELIMG.replace('"yes"', '"no"')
    assert [one.name for one in tmp_path.iterdir()] == ["a.xml"]


def test_rewrites_the_files_of_a_person_byte_for_byte(shared, tmp_path):
    files = sorted((shared / "data" / "raccoon" / "Annotations").glob("*.xml"))[:40]
    for file in files:
        text = file.read_text()
        raw = read_xml(file)
        objects = [_as_drawn(item) for item in raw.objects]
        picture = Path(text.split("<path>")[1].split("</path>")[0])
        verified = True if 'verified="yes"' in text else False if 'verified="no"' in text else None
        width, height = raw.size or (0, 0)
        write_annotation(tmp_path / "a.xml", picture, width, height, objects, verified=verified)
        assert (tmp_path / "a.xml").read_text() == text, file.name
    assert len(files) == 40


def _as_drawn(item: RawObject) -> VocObject:
    xmin, ymin, xmax, ymax = (int(side or 0) for side in item.box or ())
    return VocObject(str(item.name), (xmin, ymin, xmax, ymax), truncated=int(item.truncated or 0))


@pytest.mark.parametrize("box", [(0, 1, 5, 5), (1, 1, 641, 5), (5, 1, 5, 9), (9, 1, 5, 9), (1, 9, 5, 361)])
def test_refuses_boxes_that_labelimg_could_not_draw(tmp_path, box):
    with pytest.raises(ValueError, match=r"a\.xml: box .* of 'Mira' is not .* clip it") as error:
        write_annotation(tmp_path / "a.xml", PICTURE, 640, 360, [VocObject("Mira", box)])
    assert str(box) in str(error.value)
    assert not (tmp_path / "a.xml").exists()


def _written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "a.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(("text", "expected"), TABLES["difficult"])
def test_reads_difficult_objects(tmp_path, text, expected):
    # SSD-Tensorflow asks `if obj.find('difficult')`, and an element without children is false.
    raw = read_xml(_written(tmp_path, xml_text(xml_object(more=f"<difficult>{text}</difficult>"))))
    repaired, problems = repair_objects(raw.objects, (96, 64), "a.xml")
    assert (repaired.difficult, problems) == ((expected,), [])


def test_parts_of_a_person_are_no_objects(tmp_path):
    part = xml_object("<name>head</name>", (1, 1, 2, 2)).replace("object>", "part>")
    raw = read_xml(_written(tmp_path, xml_text(xml_object(more=part))))
    assert [item.name for item in raw.objects] == ["Mira"]
    assert raw.objects[0].box == ("20", "10", "60", "50")


def test_entities_and_network_are_refused(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    external = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + xml_text(
        xml_object("<name>&x;</name>")
    )
    for text in (  # beside those of one_of_everything
        external.replace("<!DOCTYPE", "<!doctype"),
        f'<?xml version="1.0" encoding="UTF-16"?>{external}'.encode("utf-16-be"),
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>' + xml_text(),
        xml_text(xml_object("<name>&x;</name>")),
    ):
        with pytest.raises(XmlError) as error:
            read_xml(_written(tmp_path, text))
        assert "secret" not in str(error.value)
        assert error.value.action in ("refused", "left out")


def test_size_of_the_file_is_limited(tmp_path):
    filler = "<!--" + "x" * (MAX_XML_BYTES - len(xml_text()) - 7) + "-->"
    read_xml(_written(tmp_path, xml_text(filler)))
    with pytest.raises(XmlError, match=f"XML file too large: {MAX_XML_BYTES + 1} bytes"):
        read_xml(_written(tmp_path, xml_text(filler) + " "))


@pytest.mark.parametrize(("width", "height", "expected"), TABLES["sizes"])
def test_size(tmp_path, width, height, expected):
    text = xml_text(size=size_text(width, height))
    assert read_xml(_written(tmp_path, text)).size == (tuple(expected) or None)


def _raw(*sides: object, name: str | None = "Mira") -> RawObject:
    xmin, ymin, xmax, ymax = (None if side is None else str(side) for side in sides)
    return RawObject(name, (xmin, ymin, xmax, ymax), None, None)


@pytest.mark.parametrize(
    ("sides", "pixels", "kinds"), [*TABLES["repairs"], ((None, 5, 50, 40), (), ["box is not four numbers"])]
)
def test_repair(sides, pixels, kinds):
    repaired, problems = repair_objects([_raw(*sides)], (100, 50), "a.xml")
    assert [problem.kind for problem in problems] == kinds
    assert all(problem.file == "a.xml" and problem.object == "1: Mira" for problem in problems)
    assert len(repaired.names) == len(repaired.boxes) == bool(pixels)
    if pixels:
        xmin, ymin, xmax, ymax = pixels
        expected = np.array([[ymin / 50, xmin / 100, ymax / 50, xmax / 100]], np.float32)
        np.testing.assert_array_equal(repaired.boxes, expected)


odd = st.sampled_from(["", "nan", "-inf", "x", "1_0", "１２"])
numbers = st.one_of(st.floats(-2000, 2000), st.integers(-(10**9), 10**9), odd)


@given(
    st.lists(st.tuples(numbers, numbers, numbers, numbers)), st.integers(1, 65_500), st.integers(1, 65_500)
)
def test_every_box_that_is_kept_can_be_learnt(some, width, height):
    raw = [_raw(*sides, name=f"{number}") for number, sides in enumerate(some)]
    repaired, problems = repair_objects(raw, (width, height), "a.xml")
    ymin, xmin, ymax, xmax = repaired.boxes.T
    assert np.all((ymin >= 0) & (xmin >= 0) & (ymax <= 1) & (xmax <= 1))
    assert np.all((ymin < ymax) & (xmin < xmax))
    assert len(repaired.names) == len(repaired.difficult) == len(repaired.truncated) == len(repaired.boxes)
    dropped = sum("dropped" in problem.action for problem in problems)
    assert len(repaired.boxes) + dropped == len(some)  # nothing disappears silently


@given(st.lists(st.tuples(*[st.integers(1, 99)] * 4)), st.integers(100, 9000), st.integers(100, 9000))
def test_fractions_become_the_pixels_that_they_were(some, width, height):
    boxes = {(min(x0, x1), min(y0, y1), max(x0, x1) + 1, max(y0, y1) + 1): None for x0, y0, x1, y1 in some}
    raw = [_raw(*box, name=f"{number}") for number, box in enumerate(boxes)]
    repaired, problems = repair_objects(raw, (width, height), "a.xml")
    assert problems == []
    found = voc_objects(repaired.boxes, repaired.names, width, height)
    assert [(item.name, item.box) for item in found] == [(str(n), box) for n, box in enumerate(boxes)]


def test_fractions_in_pixels_by_hand():
    """Minimum from 1, truncated at the border, and rounding takes no label away."""
    boxes = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [0.001, 0.5, 0.006, 0.6], [0.999, 0.999, 1, 1]])
    found = voc_objects(boxes, "abcd", 200, 100, difficult=(False, True, False, False))
    assert [item.box for item in found] == [
        (1, 1, 200, 100), (40, 10, 80, 30), (100, 1, 120, 2), (199, 99, 200, 100)
    ]  # fmt: skip
    assert [item.truncated for item in found] == [1, 0, 1, 1]
    assert [item.difficult for item in found] == [0, 1, 0, 0]
    assert voc_objects(np.zeros((0, 4)), (), 200, 100) == []


def test_outermost():
    assert outermost([_raw(10, 5, 50, 40), _raw(90, 80, 20, 3), _raw("x", 5, 999, 40)]) == (90, 80)
    assert outermost([]) == (0, 0)
    assert math.isfinite(sum(outermost([_raw("inf", 1, 2, 3)])))


@pytest.mark.parametrize(("text", "numbers"), TABLES["numbers"])
def test_numbers_in_any_usual_notation(text, numbers):
    assert numbers_of(text) == numbers
    for more in ("1,,2", "nan", "1e999", "12px", "0x1", "1:2"):
        with pytest.raises(ValueError, match=r"not|convert"):
            numbers_of(f"{text} {more}")


@pytest.mark.parametrize(("outline", "box"), TABLES["outlines"])
def test_the_box_around_an_outline(tmp_path, outline, box):
    (item,) = read_xml(_written(tmp_path, xml_text(f"<object><name>a</name>{outline}</object>"))).objects
    assert [float(side or "nan") for side in item.box or ()] == pytest.approx(box)
