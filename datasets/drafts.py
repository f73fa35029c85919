"""Drafts: annotations that a program proposed, told apart from a person's.

A draft says so in its XML, `<source><annotation>draft DIGEST</annotation>`. LabelImg drops that element when
it saves, so what a person has saved is no draft any more, and conversion leaves drafts out. The digest is of
the boxes: a draft that was changed otherwise (by hand, by another program) is not written over either.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from datasets.voc import RawAnnotation, RawObject, VocObject, XmlError, read_xml, write_annotation

_WORD = "draft"


def is_draft(annotation: RawAnnotation) -> bool:
    """Whether a program proposed these boxes and nobody has saved them in LabelImg since."""
    return annotation.origin.split(" ")[0] == _WORD and not annotation.verified


def may_write(xml: Path) -> bool:
    """Whether a draft may be written there: no file yet, or a draft that nobody has changed."""
    if not xml.exists():
        return True
    try:
        annotation = read_xml(xml)
    except XmlError:
        return False  # whatever it is, it is not ours
    return is_draft(annotation) and annotation.origin == _mark(_lines_of_raw(annotation.objects))


def write_draft(xml: Path, picture: Path, width: int, height: int, objects: Sequence[VocObject]) -> bool:
    """Writes a draft, with verified="no", unless a person's file stands there.

    Args:
        xml: where it goes.
        picture: the picture.
        width: of the picture in pixels.
        height: likewise.
        objects: what was proposed; may be empty.

    Returns:
        whether it was written.
    """
    if not may_write(xml):
        return False
    mark = _mark(_lines(objects))
    write_annotation(xml, picture, width, height, objects, verified=False, draft=mark)
    return True


def _mark(lines: Sequence[str]) -> str:
    digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
    return f"{_WORD} {digest}"


def _lines(objects: Sequence[VocObject]) -> list[str]:
    return [
        "\t".join((item.name, *map(str, item.box), str(int(item.difficult)), str(int(item.truncated))))
        for item in objects
    ]


def _lines_of_raw(objects: Sequence[RawObject]) -> list[str]:
    return [
        "\t".join(text or "" for text in (item.name, *(item.box or ()), item.difficult, item.truncated))
        for item in objects
    ]
