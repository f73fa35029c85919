"""Files that are whole whenever somebody looks, written under a temporary name; JSON read."""

import json
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # of a pair: JSON holds them, UTF-8 cannot


@contextmanager
def whole_file(path: Path, *, durable: bool = False, previous: Path | None = None) -> Iterator[Path]:
    """Where to write a file that gets its name when the block ends; a block that fails leaves the old one.

    Args:
        path: what it will be called.
        durable: only what is on the disk gets the name: not even a power cut leaves half a file.
        previous: what the file that has this name now will be called then; not given: it is replaced.

    Yields:
        A temporary name beside it, hidden, ending in .tmp; it stays only where the process is killed.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")  # of this writer alone, however long the name is
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        if previous is not None and path.is_file():
            path.replace(previous)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()  # half a file helps nobody, least of all on a full disk
        # Of a full disk the system names no file, else the temporary one, of which nobody knows.
        if not isinstance(error, OSError) or error.errno is None:
            raise
        if temporary.name in f"{error.filename or temporary} {error.filename2}":
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    if durable and hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """A whole file of these bytes (see `whole_file`)."""
    with whole_file(path, durable=durable) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """A whole file of this text, in UTF-8 (see `whole_file`); what no UTF-8 can hold stands as its escape."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: Path, value: object) -> None:
    """JSON for people, indented, names in their own script: a whole file, on the disk (see `whole_file`)."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode(errors="backslashreplace"), durable=True)  # JSON reads these escapes back


def read_json(path: Path, cure: str) -> dict[str, Any]:
    """A JSON file that holds an object, whoever wrote it; a byte order mark is none of it.

    Raises:
        ValueError: it is damaged or holds something else; the message names it and ends with the cure.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a name stands in it twice")
        return found

    try:
        text = path.read_text(encoding="utf-8-sig")
        value = json.loads(text, object_pairs_hook=once, parse_constant=int)  # int("NaN") is an error
        if not isinstance(value, dict):
            raise ValueError(f"it holds {type(value).__name__} and no object")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}). {cure}") from None
    return value


def as_utf8(text: str) -> str:
    r"""The text as UTF-8 can hold it: `\xc7` for a file name's byte that is none, U+FFFD for half a pair."""
    return _HALVES.sub("\ufffd", text).encode(errors="surrogateescape").decode(errors="backslashreplace")
