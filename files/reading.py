"""What files hold, whoever wrote them: JSON, text, and zips of arrays, never pickled, of finite numbers."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # of a pair: JSON holds them, UTF-8 cannot
MAX_BYTES = 4 * 2**30  # in a file from outside; VGG-16 with its fully connected layers has 0.5 GiB


def as_utf8(text: str) -> str:
    r"""The text as UTF-8 can hold it: `\xc7` for a file name's byte that is none, U+FFFD for half a pair."""
    return _HALVES.sub("\ufffd", text).encode(errors="surrogateescape").decode(errors="backslashreplace")


def table_beside(module: str, name: str = "") -> dict[str, Any]:
    """The TOML table beside a module, given by its `__file__`: the one of its name, or another."""
    path = Path(module)
    return tomllib.loads(path.with_name(f"{name or path.stem}.toml").read_text(encoding="utf-8"))


def read_json(path: Path, cure: str) -> dict[str, Any]:
    """A JSON file that holds an object, whoever wrote it; a byte order mark is none of it.

    ValueError, which names it and ends with the cure: it is damaged or holds something else.
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


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays that `write_arrays` wrote.

    ValueError where it is no such file, damaged, too large, with pickled objects or numbers that are none.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            size = sum(member.file_size for member in arrays.zip.infolist())
            if size > MAX_BYTES:
                raise ValueError(f"it unpacks to {size} bytes, more than {MAX_BYTES}")
            found = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        raise
    except (BadZipFile, ValueError, EOFError, OSError, AttributeError, MemoryError, RuntimeError) as error:
        cure = "It is damaged or something else; use another checkpoint or train again."
        raise ValueError(
            f"{path} cannot be read as a NumPy .npz of plain arrays ({error}). {cure}"
        ) from error
    return demand_finite(path, found)


def demand_finite(source: object, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays as they are; ValueError where a value is infinite or no number."""
    floats = {name: array for name, array in arrays.items() if array.dtype.kind in "fc"}
    if wrong := [name for name, array in floats.items() if not np.isfinite(array).all()]:
        raise ValueError(
            f"{source} has values that are not finite, in {wrong[0]} and {len(wrong) - 1} other arrays: "
            "the training that wrote it had broken down by then. Take an earlier checkpoint, or train again."
        )
    return arrays
