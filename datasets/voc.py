"""The door between LabelImg's Pascal VOC XML (pixels) and the rest of the repository (fractions); the only user of lxml."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree


@dataclass(frozen=True)
class VocObject:
    """One `<object>` as LabelImg writes it.

    Attributes:
        name: the character.
        box: (xmin, ymin, xmax, ymax) in pixels, minimum counted from 1, maximum at most the width and height.
        pose: LabelImg always writes "Unspecified".
        truncated: 1 when the object touches the border of the picture.
        difficult: 1 when a person ticked "difficult".
    """

    name: str
    box: tuple[int, int, int, int]
    pose: str = "Unspecified"
    truncated: int = 0
    difficult: int = 0


def write_annotation(
    xml_path: Path,
    picture_path: Path,
    width: int,
    height: int,
    objects: Sequence[VocObject],
    *,
    depth: int = 3,
    verified: bool | None = None,
) -> None:
    """Writes one annotation element for element, tab for tab as LabelImg does (libs/pascal_voc_io.py there).

    Args:
        xml_path: the file to write; it appears under its name only when complete.
        picture_path: goes into `<folder>`, `<filename>` and, as given, into `<path>` (LabelImg writes an absolute
            path there; give a relative one for files that must be the same on every machine).
        width: of the picture in pixels.
        height: of the picture in pixels.
        objects: may be empty: a picture without objects is a normal picture.
        depth: 3, or 1 for a grey picture.
        verified: True writes `verified="yes"` (a person pressed the space key), False writes "no" as LabelImg 1.2
            did, None leaves the attribute out.

    Raises:
        ValueError: a box is not inside the picture or is empty.
    """
    root = etree.Element("annotation")
    if verified is not None:
        root.set("verified", "yes" if verified else "no")
    _add(root, "folder", picture_path.parent.name)
    _add(root, "filename", picture_path.name)
    _add(root, "path", str(picture_path))
    _add(_add(root, "source"), "database", "Unknown")
    size = _add(root, "size")
    for tag, value in (("width", width), ("height", height), ("depth", depth)):
        _add(size, tag, str(value))
    _add(root, "segmented", "0")
    for item in objects:
        xmin, ymin, xmax, ymax = item.box
        if not (1 <= xmin < xmax <= width and 1 <= ymin < ymax <= height):
            raise ValueError(
                f"{xml_path}: box {item.box} of {item.name!r} is not (xmin, ymin, xmax, ymax) with 1 <= min < max "
                f"inside a picture of {width} x {height} pixels; clip it and drop it when nothing is left"
            )
        element = _add(root, "object")
        _add(element, "name", item.name)
        _add(element, "pose", item.pose)
        _add(element, "truncated", str(int(item.truncated)))
        _add(element, "difficult", str(int(item.difficult)))
        box = _add(element, "bndbox")
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), item.box, strict=True):
            _add(box, tag, str(int(value)))
    etree.indent(root, space="\t")
    temporary = xml_path.with_name(f".{xml_path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(etree.tostring(root, encoding="utf-8", xml_declaration=False) + b"\n")
    os.replace(temporary, xml_path)


def _add(parent: etree._Element, tag: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, tag)
    element.text = text
    return element
