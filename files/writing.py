"""Files that are whole whenever somebody looks, written under a temporary name: bytes, text, JSON, arrays."""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np


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


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], *, previous: Path | None = None) -> None:
    """Write a zip of arrays; a crash leaves the old one (see `whole_file`)."""
    with whole_file(path, durable=True, previous=previous) as temporary:
        save_arrays(temporary, arrays)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a zip of arrays in place, for `whole_file`; all of it is on the disk when this returns."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)  # pyright: ignore[reportArgumentType]
        file.flush()
        os.fsync(file.fileno())
