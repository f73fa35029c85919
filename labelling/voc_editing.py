"""Changes the names in an annotation file and leaves every other byte as it is.

A person's XML may hold anything besides: other tools' elements, comments, another order, its own line ends.
Parsing and writing it anew would change much of that, so the names are cut out and replaced in the bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape

from datasets.labels import clean_name
from datasets.voc import XmlError, parse_xml

Change = Callable[[str], str | None]


@dataclass(frozen=True)
class _Place:
    """Where an object stands in the bytes.

    Attributes:
        start: of `<object>`.
        end: of what is inside, where `</object>` begins.
        name: what `<name>` says.
        name_start: of the text inside `<name>`.
        name_end: likewise.
    """

    start: int
    end: int
    name: str
    name_start: int
    name_end: int


def edit_names(data: bytes, change: Change) -> bytes:
    """Gives objects other names, or removes them.

    Args:
        data: an annotation file.
        change: from a name (cleaned, see `clean_name`) to its new one, the same one, or None to remove the
            object.

    Returns:
        The new content; `data` itself where nothing changes.

    Raises:
        XmlError: the file is not an annotation, or cannot be changed safely.
    """
    before = parse_xml(data)  # refuses what is hostile: expat below sees only what passed
    places, encoding = _find(data)
    pieces, at = [], 0
    for place in places:
        name = clean_name(place.name)
        new = change(name) if name else name
        if new == name:
            continue
        if new is None:
            start, end = _whole_object(data, place, encoding)
            pieces.append(data[at:start])
        else:
            start, end = place.name_start, place.name_end
            pieces += [data[at:start], escape(new).encode(encoding, "xmlcharrefreplace")]
        at = end
    if not pieces:
        return data
    edited = b"".join([*pieces, data[at:]])
    wanted = [
        (new, item.box)
        for item in before.objects
        if (new := change(name) if (name := clean_name(item.name or "")) else "") is not None
    ]
    after = parse_xml(edited)
    if [(clean_name(item.name or ""), item.box) for item in after.objects] != wanted:
        raise XmlError(
            "names cannot be changed safely", "its XML is unusual: change it by hand", "left as it is"
        )
    return edited


def _find(data: bytes) -> tuple[list[_Place], str]:
    """The objects that have a name with text, in order, and the file's encoding."""
    parser = expat.ParserCreate()
    path: list[str] = []
    places: list[_Place] = []
    text: list[str] = []
    begun = {"object": 0, "name": -1, "name end": -1}
    encodings = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        mark_inside()
        path.append(tag)
        if path == ["annotation", "object"]:
            begun.update({"object": parser.CurrentByteIndex, "name": -1, "name end": -1})
            text.clear()

    def mark_inside() -> None:
        """The first thing inside of the first `<name>` of an object is where its text begins."""
        if path == ["annotation", "object", "name"] and begun["name"] < 0:
            begun["name"] = parser.CurrentByteIndex

    def characters(content: str) -> None:
        mark_inside()
        if path == ["annotation", "object", "name"] and begun["name end"] < 0:
            text.append(content)

    def end(tag: str) -> None:
        if path == ["annotation", "object", "name"] and begun["name end"] < 0:
            mark_inside()
            begun["name end"] = parser.CurrentByteIndex
        elif path == ["annotation", "object"] and begun["name end"] > begun["name"] >= 0:
            name = "".join(text)
            places.append(
                _Place(begun["object"], parser.CurrentByteIndex, name, begun["name"], begun["name end"])
            )
        path.pop()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.CommentHandler = lambda content: mark_inside()
    parser.ProcessingInstructionHandler = lambda target, content: mark_inside()
    parser.StartCdataSectionHandler = mark_inside
    parser.XmlDeclHandler = lambda version, encoding, standalone: encodings.append(encoding)
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise XmlError("names cannot be changed safely", str(error), "left as it is") from None
    return places, _encoding(data, encodings[0] if encodings else None)


def _encoding(data: bytes, declared: str | None) -> str:
    """In which the bytes are written."""
    if data[:2] in (b"\xff\xfe", b"<\0"):
        return "utf-16-le"
    if data[:2] in (b"\xfe\xff", b"\0<"):
        return "utf-16-be"
    return declared or "utf-8"


def _whole_object(data: bytes, place: _Place, encoding: str) -> tuple[int, int]:
    """From the white space before `<object>` to the end of `</object>`."""
    closing = ">".encode(encoding)
    end = data.index(closing, place.end) + len(closing)
    if len(closing) > 1:
        return place.start, end
    before = data[: place.start].rstrip(b" \t")
    for line_end in (b"\r\n", b"\n"):
        if before.endswith(line_end):
            return len(before) - len(line_end), end
    return place.start, end
