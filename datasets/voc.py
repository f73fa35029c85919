"""The door between Pascal VOC XML, LabelImg's and others', in pixels, and everything else, in fractions."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  # lxml has no type stubs

from boxes.geometry import to_pixels
from datasets.labels import clean_name
from datasets.pictures import UnusableFile, bytes_of
from datasets.problems import Problem
from files.telling import printable
from files.writing import write_bytes

# An object takes LabelImg about 250 bytes; more than this is no annotation.
MAX_XML_BYTES = 4_000_000
MAX_OBJECTS = 5_000

# A face that lost its box would teach that nobody is there.
OBJECT_DROPPED = "object dropped; its picture is left out if it has no other"

DRAFT = "draft"  # how `<source><annotation>` of boxes begins that a program proposed
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_TURNED = ("cx", "cy", "w", "h", "angle")  # roLabelImg's rotated box; the angle in radians
_DECLARATION = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_DECLARED = re.compile(r"^\ufeff?(<\?xml.*?\?>)?\s*", re.DOTALL)  # how a file begins
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class VocObject:
    """One `<object>` as LabelImg writes it."""

    name: str
    # (xmin, ymin, xmax, ymax) in pixels, minimum counted from 1, maximum at most the width and height
    box: tuple[int, int, int, int]
    truncated: int = 0  # 1 when the object touches the border of the picture
    difficult: int = 0  # 1 when a person ticked "difficult"
    pose: str = "Unspecified"  # LabelImg shows it nowhere and forgets it when it saves


def write_annotation(
    xml_path: Path,
    picture_path: Path,
    width: int,
    height: int,
    objects: Sequence[VocObject],
    *,
    verified: bool | None = None,
    draft: str | None = None,
) -> None:
    """Writes one annotation element for element, tab for tab as LabelImg does (libs/pascal_voc_io.py there).

    Args:
        xml_path: the file to write; whole or not there.
        picture_path: goes into `<folder>`, `<filename>` and, as given, into `<path>` (LabelImg writes an
            absolute path there; give a relative one for files that must be the same on every machine).
        width: of the picture in pixels, as the height.
        objects: may be empty: a picture without objects is a normal picture.
        verified: True writes "yes" (a person pressed the space key), False "no", None no attribute.
        draft: says in `<source><annotation>` that a program proposed the boxes.

    Raises:
        ValueError: a box is not inside the picture or is empty.
    """
    root = etree.Element("annotation")
    if verified is not None:
        root.set("verified", "yes" if verified else "no")
    shown = Path(printable(str(picture_path)))  # XML holds no controls, and no bytes that are not UTF-8
    _add(root, folder=shown.parent.name, filename=shown.name, path=str(shown))
    source = _add(root, source=None)
    _add(source, database="Unknown")
    if draft is not None:
        _add(source, annotation=draft)
    _add(_add(root, size=None), width=width, height=height, depth=3)
    _add(root, segmented=0)
    for item in objects:
        xmin, ymin, xmax, ymax = item.box
        if not (1 <= xmin < xmax <= width and 1 <= ymin < ymax <= height):
            rule = f"1 <= min < max inside a picture of {width} x {height} pixels; clip it, or drop it"
            which = f"box {item.box} of {item.name!r}"
            raise ValueError(f"{xml_path}: {which} is not (xmin, ymin, xmax, ymax) with {rule}")
        flags = {"truncated": int(item.truncated), "difficult": int(item.difficult)}
        box = _add(_add(root, object=None), name=item.name, pose=item.pose, **flags, bndbox=None)
        _add(box, **{side: int(value) for side, value in zip(_SIDES, item.box, strict=True)})
    etree.indent(root, space="\t")
    write_bytes(xml_path, etree.tostring(root, encoding="utf-8", xml_declaration=False) + b"\n")


def _add(parent: etree._Element, **texts: str | int | None) -> etree._Element:
    """Adds elements by tag, and gives the last one."""
    for tag, text in texts.items():
        etree.SubElement(parent, tag).text = None if text is None else str(text)
    return parent[-1]


class XmlError(UnusableFile):
    """An XML file that cannot be used."""


@dataclass(frozen=True)
class RawObject:
    """One `<object>` as found: text that nobody has checked yet, None where an element is missing."""

    name: str | None
    box: tuple[str | None, ...] | None  # xmin, ymin, xmax, ymax
    difficult: str | None
    truncated: str | None
    pose: str | None = None


@dataclass(frozen=True)
class RawAnnotation:
    """One XML file as found."""

    # text of `<filename>`; may lack its extension, be stale or name another folder
    filename: str | None = None
    # (width, height) from `<size>`; None when missing, unreadable or not positive
    size: tuple[int, int] | None = None
    objects: tuple[RawObject, ...] = ()  # in file order
    verified: bool = False  # a person pressed LabelImg's space key on it
    origin: str = ""  # text of `<source><annotation>`, which marks a draft


@dataclass(frozen=True)
class RepairedObjects:
    """G objects: boxes float32 [G, 4], (ymin, xmin, ymax, xmax) as fractions, clean names, flags."""

    boxes: np.ndarray
    names: tuple[str, ...]
    difficult: tuple[bool, ...]
    truncated: tuple[bool, ...]


def read_xml(path: Path) -> RawAnnotation:
    """Reads an annotation as hostile input: no entities, no network, no DTD, limited size; else XmlError."""
    return parse_xml(xml_bytes(path))


def said_in(path: Path) -> RawAnnotation:
    """What `read_xml` reads; nothing where it cannot."""
    try:
        return read_xml(path)
    except XmlError:
        return RawAnnotation()


def xml_bytes(path: Path) -> bytes:
    """An annotation file as it is; raises XmlError where it cannot be read or is too large."""
    return bytes_of(path, MAX_XML_BYTES, "XML", XmlError)


def parse_xml(data: bytes) -> RawAnnotation:
    """The content of an annotation file, see `read_xml`."""
    root = _root(data)
    sides = number_each((root.findtext("size/width"), root.findtext("size/height")))
    width, height = map(round, sides or (0, 0))
    return RawAnnotation(
        filename=root.findtext("filename"),
        size=(width, height) if min(width, height) > 0 else None,
        objects=tuple(_raw_object(element) for element in root.findall("object")),
        verified=(root.get("verified") or "").strip().lower() == "yes",
        origin=(root.findtext("source/annotation") or "").strip(),
    )


def _root(data: bytes) -> etree._Element:
    declared = XmlError("XML declares a DOCTYPE or entities", "LabelImg writes neither", "refused")
    # Before parsing, because libxml2 expands entities inside attributes whatever resolve_entities says.
    # Without the NUL bytes the same search finds UTF-16.
    if _DECLARATION.search(data.replace(b"\0", b"")):
        raise declared
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    try:
        root = etree.fromstring(data, etree.XMLParser(**safe, strip_cdata=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlError("not well-formed XML", getattr(error, "msg", str(error))) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise declared
    if root.tag != "annotation":
        cvat = "; it is CVAT's own: export Pascal VOC there" if root.tag == "annotations" else ""
        raise XmlError("XML is not an annotation", f"its root is <{root.tag}>, not <annotation>{cvat}")
    if (count := len(root.findall("object"))) > MAX_OBJECTS:
        raise XmlError("too many objects in one XML", f"{count}, at most {MAX_OBJECTS}", "refused")
    return root


def rename_objects(data: bytes, change: Callable[[str], str | None]) -> bytes:
    """Gives objects of an annotation file other names, or removes them, and keeps all else that it says.

    White space, comments, other tools' elements and the kind of line ends stay; what means the same (quotes
    of attributes, `<a></a>` and `<a/>`) may come out in the other spelling.

    Args:
        data: the file; it is also the result where nothing changes.
        change: from a name (see `clean_name`) to its new one, the same one, or None to remove the object.

    Raises:
        XmlError: the file is not an annotation, or its encoding is not known.
    """
    root = _root(data)
    changed = False
    for element in root.findall("object"):
        name = clean_name(element.findtext("name") or "")
        new = change(name) if name else name
        changed = changed or new != name
        if new is None:
            # The white space before the object goes, what follows it stays.
            before = element.getprevious()
            place, end = (root, "text") if before is None else (before, "tail")
            setattr(place, end, (getattr(place, end) or "").rstrip() + (element.tail or ""))
            root.remove(element)
        elif new != name:
            element.find("name").text = new
    if not changed:
        return data
    tree = root.getroottree()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else tree.docinfo.encoding or "utf-8"
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise XmlError("names cannot be changed safely", str(error)) from None
    body = etree.tostring(tree, encoding="unicode").strip()
    if "\r\n" in text:  # which the parser reads as a line end like any other
        body = body.replace("\n", "\r\n")
    start = len(text) - len(_DECLARED.sub("", text, count=1))
    return (text[:start] + body + text[len(text.rstrip()) :]).encode(encoding, "xmlcharrefreplace")


def repair_objects(
    raw: Sequence[RawObject], reference: tuple[int, int], file: str
) -> tuple[RepairedObjects, list[Problem]]:
    """Turns pixel boxes into fractions, swapping, clipping and dropping where a box needs it.

    The arithmetic is SSD-Tensorflow's: xmin, xmax divided by the width, ymin, ymax by the height, although
    LabelImg counts its minimum from 1; records and networks made there stay comparable.

    Args:
        raw: objects as found.
        reference: (width, height) in the pixels that the boxes are given in.
        file: named in the problems.
    """
    problems: list[Problem] = []
    flags: dict[tuple[str, tuple[float, float, float, float]], tuple[bool, bool]] = {}
    for number, item in enumerate(raw, start=1):
        name = clean_name(item.name or "")
        label = f"{number}: {name}" if name else f"{number}"

        def report(kind: str, detail: str, action: str, label: str = label) -> None:
            problems.append(Problem(file, label, kind, detail, action))

        if not name:
            report("object without name", "<name> is missing or blank", OBJECT_DROPPED)
        elif (box := _repair_box(item.box, reference, report)) and (name, box) in flags:
            report("same object twice", "equal name and box", "second one dropped")
        elif box:
            difficult = _flag("difficult", item.difficult, report)
            flags[name, box] = difficult, _flag("truncated", item.truncated, report)
    repaired = RepairedObjects(
        boxes=np.asarray([box for _, box in flags], np.float32).reshape(-1, 4),
        names=tuple(name for name, _ in flags),
        difficult=tuple(difficult for difficult, _ in flags.values()),
        truncated=tuple(truncated for _, truncated in flags.values()),
    )
    return repaired, problems


def voc_objects(
    boxes: np.ndarray, names: Sequence[str], width: int, height: int, *, difficult: Sequence[bool] = ()
) -> list[VocObject]:
    """Fractions as LabelImg writes them in whole pixels, the inverse of `repair_objects`.

    A box that rounding leaves without a side has one of a pixel: no label is lost, and LabelImg opens it.
    Boxes [G, 4], (ymin, xmin, ymax, xmax), are clipped to the picture; flags are G or none at all.
    """
    pixels = np.rint(to_pixels(boxes, height, width)).astype(int)  # [G, 4]
    lowest = np.clip(pixels[:, :2], 1, (width - 1, height - 1))
    highest = np.clip(pixels[:, 2:], lowest + 1, (width, height))
    corners = np.concatenate([lowest, highest], axis=1).tolist()
    flags = difficult or [False] * len(names)
    return [
        VocObject(name, tuple(box), int(touches_border(box, width, height)), int(flag))
        for name, box, flag in zip(names, corners, flags, strict=True)
    ]


def touches_border(box: Sequence[int], width: int, height: int) -> bool:
    """Whether LabelImg calls a `VocObject`'s (xmin, ymin, xmax, ymax), pixels from 1, truncated."""
    xmin, ymin, xmax, ymax = box
    return xmin <= 1 or ymin <= 1 or xmax >= width or ymax >= height


def _repair_box(
    raw: tuple[str | None, ...] | None, reference: tuple[int, int], report: Callable[[str, str, str], None]
) -> tuple[float, float, float, float] | None:
    """(ymin, xmin, ymax, xmax) as fractions, or None when the box was dropped."""
    if raw is None:
        return report("object without box", "no <bndbox>, <polygon> or <robndbox>", OBJECT_DROPPED)
    values = number_each(raw)
    if values is None:
        found = ", ".join("nothing" if text is None else repr(text) for text in raw)
        return report("box is not four numbers", found, OBJECT_DROPPED)
    x0, y0, x1, y1 = values
    shown = f"({x0:g}, {y0:g}, {x1:g}, {y1:g})"
    if x0 > x1 or y0 > y1:
        x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
        report("box with minimum and maximum exchanged", shown, "exchanged back")
    width, height = reference
    if x1 - x0 < 1 or y1 - y0 < 1:
        return report("empty box", f"{shown} is less than one pixel wide or high", OBJECT_DROPPED)
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
        if x1 - x0 < 1 or y1 - y0 < 1:
            return report("box outside the picture", f"{shown} of {width} x {height}", OBJECT_DROPPED)
        report("box over the border", f"{shown} of {width} x {height}", "clipped")
    return y0 / height, x0 / width, y1 / height, x1 / width


def number_each(raw: Sequence[str | None]) -> tuple[float, ...] | None:
    """A number for each text; None where one says another count of them, or something else."""
    try:
        return tuple(number for text in raw for (number,) in [numbers_of(text or "")])
    except ValueError:
        return None


def numbers_of(text: str) -> list[float]:
    """Numbers in any usual notation, such as 5, 0.5, 0,5 and 5e-01, with space, commas or semicolons between.

    ValueError where something else is among them, or a number that is not finite.
    """
    numbers: list[float] = []
    for word in filter(None, (word.strip(",") for word in re.split(r"[\s;]+", text))):
        parts = [word.replace(",", ".")] if _DECIMAL_COMMA.fullmatch(word) else word.split(",")
        numbers += map(float, parts)
    if not all(map(math.isfinite, numbers)):
        raise ValueError("not a finite number")
    return numbers


def _flag(tag: str, text: str | None, report: Callable[[str, str, str], None]) -> bool:
    word = (text or "").strip().lower()
    if word in ("1", "true", "yes"):
        return True
    if word not in ("", "0", "false", "no"):
        report(f"<{tag}> is neither 0 nor 1", repr(text), "taken as 0")
    return False


def _raw_object(element: etree._Element) -> RawObject:
    # LabelImg before 1.3 wrote <Difficult> (issue 96 there).
    difficult = element.findtext("difficult")
    return RawObject(
        name=element.findtext("name"),
        box=_box(element),
        difficult=element.findtext("Difficult") if difficult is None else difficult,
        truncated=element.findtext("truncated"),
        pose=element.findtext("pose"),
    )


def _box(element: etree._Element) -> tuple[str | None, ...] | None:
    """The sides of an object's box as written; where it has none, of the box around its outline."""
    box = element.find("bndbox")
    sides = None if box is None else tuple(box.findtext(side) for side in _SIDES)
    if sides is not None and number_each(sides) is not None:
        return sides
    points = [(str(one.tag).rstrip("0123456789"), one.text) for one in element.iterfind("polygon//*")]
    xs, ys = (number_each([text for tag, text in points if tag == axis]) for axis in "xy")
    if turned := number_each([element.findtext(f"robndbox/{tag}") for tag in _TURNED]):
        x, y, width, height, angle = turned
        cosine, sine = abs(math.cos(angle)), abs(math.sin(angle))
        right, below = (width * cosine + height * sine) / 2, (width * sine + height * cosine) / 2
        xs, ys = (x - right, x + right), (y - below, y + below)
    return tuple(map(repr, (min(xs), min(ys), max(xs), max(ys)))) if xs and ys else sides


def is_draft(annotation: RawAnnotation) -> bool:
    """Whether a program proposed these boxes and nobody saved them since: LabelImg drops the mark."""
    return annotation.origin.split(" ")[0] == DRAFT and not annotation.verified
