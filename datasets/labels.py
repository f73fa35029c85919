"""labels.txt: one name per line, UTF-8; the line number, from 1, is the class id, and 0 is background."""

import re
import unicodedata
from pathlib import Path

from files.reading import as_utf8, table_beside

_TABLE = table_beside(__file__)
_UNSEEN, _SELECTORS, _JOINERS, _NOT_TYPED = (
    re.compile(_TABLE[name].format(**_TABLE), re.VERBOSE)
    for name in ("unseen", "selectors", "joiners", "not_typed")
)


def clean_name(name: str) -> str:
    """A name as it is stored: NFC, ordinary spaces, one at a time and none outside, and nothing unseen.

    The same 千反田 typed on a Mac (decomposed) and on Linux (composed) is one name, not two; so is Rin with a
    mark that a web page or an editor left. Joiners that spell a word or bind emoji stay.
    """
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", as_utf8(name)).replace("\u2800", " "))
    cleaned = " ".join(_JOINERS.sub(r"\1\2\3", _SELECTORS.sub("", text)).split())
    return cleaned if cleaned == name else clean_name(cleaned)  # what was apart may be one letter now


def typed_name(name: str) -> str:
    """`clean_name` of what somebody typed; "" where it has controls, or what turns the writing direction."""
    return "" if _NOT_TYPED.search(name) else clean_name(name)


def read_labels(path: Path) -> list[str]:
    """Reads labels.txt: K names; the class id of `names[i]` is `i + 1`.

    A byte order mark, Windows line ends and blank lines at the end are accepted. ValueError where the file is
    missing, empty, not UTF-8, has a blank line between names or a name twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        cure = "tf_convert_data.py writes labels.txt, one name per line"
        raise ValueError(f"{path}: there is no such file; {cure}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start} is not UTF-8; save it with UTF-8 encoding") from None
    names = [clean_name(line) for line in text.rstrip().splitlines()]
    if not names:
        raise ValueError(f"{path}: no names in it; write one name per line")
    first_line: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name:
            why = "the line number is the class id; remove the blank line"
            raise ValueError(f"{path}: line {number} is blank, but {why}")
        if (first := first_line.setdefault(name, number)) != number:
            raise ValueError(f"{path}: {name!r} is on lines {first} and {number}; keep one of them")
    return names
