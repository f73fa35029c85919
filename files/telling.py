"""What people are told: texts as they can be shown, errors with a cure, tables for a spreadsheet."""

import csv
import errno
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from files.reading import as_utf8
from files.writing import write_text

_CURES = {  # of errors of the system, by their names
    **dict.fromkeys(("EACCES", "EPERM", "EROFS"), "change who may use it, or give another folder"),
    **dict.fromkeys(("ENOSPC", "EDQUOT", "EFBIG"), "make room there, or choose another disk"),
    **dict.fromkeys(("EEXIST", "EISDIR", "ENOTDIR"), "rename what has this name, or give another folder"),
    "EADDRINUSE": "give another port",
    "ENAMETOOLONG": "shorten the name",
    "ENOENT": "look whether the path is right",
}
_FORMULA = re.compile(r"[=@]|[+-](?![\d.e+-]*$)")  # how a cell begins that a spreadsheet computes


def printable(text: str) -> str:
    """The text to be looked at, never to be used: `as_utf8`, and U+FFFD for controls and what nobody sees.

    Spaces of all kinds stay, and the joiners that Persian, the scripts of India and emoji are spelt with.
    """
    return "".join(
        one if one.isprintable() or one in "\u200c\u200d" or unicodedata.category(one) == "Zs" else "\ufffd"
        for one in as_utf8(text)
    )


def why(error: Exception) -> str:
    """What an error says; of one of the system: the path, what is wrong with it and, if known, a cure."""
    if not isinstance(error, OSError):
        return str(error)
    cure = _CURES.get(errno.errorcode.get(error.errno or 0, ""), "")
    said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    return f"{said}; {cure}" if cure else said


def write_table(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A whole CSV file in UTF-8 (see `whole_file`), its cells `printable` and none a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    cells = ((printable(str(value)) for value in row) for row in rows)
    writer.writerow(headings)
    writer.writerows([f"'{cell}" if _FORMULA.match(cell) else cell for cell in row] for row in cells)
    write_text(path, text.getvalue())
