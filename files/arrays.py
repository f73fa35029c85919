"""Files of named arrays: NumPy's zip, never pickled, whole or not there, of finite numbers."""

import os
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from files.writing import whole_file

MAX_BYTES = 4 * 2**30  # in a file from outside; VGG-16 with its fully connected layers has 0.5 GiB


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


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays that `write_arrays` wrote.

    Raises:
        ValueError: not such a file, damaged, too large, with pickled objects or numbers that are none.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            size = sum(member.file_size for member in arrays.zip.infolist())
            if size > MAX_BYTES:
                raise ValueError(f"it unpacks to {size} bytes, more than {MAX_BYTES}")
            found = {name: arrays[name] for name in arrays.files}
    except (BadZipFile, ValueError, EOFError, OSError, AttributeError, MemoryError, RuntimeError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(
            f"{path} cannot be read as a NumPy .npz of plain arrays ({error}). It is damaged or something "
            "else; use another checkpoint or train again."
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
