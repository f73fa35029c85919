"""The files below a folder."""

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

# Written by operating systems and archivers into every folder.
_NOISE = frozenset({"__macosx", "@eadir", "thumbs.db", "desktop.ini"})


def files_below(
    folder: Path,
    suffixes: Collection[str] | None = None,
    *,
    exclude: Collection[Path] = (),
    other: Callable[[Path], bool] = lambda folder: False,
) -> Iterator[Path]:
    """Files in a folder and its subfolders in order of name, without hidden ones; links to folders are none.

    Args:
        folder: must exist.
        suffixes: of the files, in small letters with their dot; None takes all.
        exclude: files and folders to pass over.
        other: says of a subfolder that it is to be passed over too.
    """
    passed_over = {path.resolve() for path in exclude}

    def wanted(path: Path) -> bool:
        hidden = path.name.startswith(".") or path.name.lower() in _NOISE
        return not hidden and path.resolve() not in passed_over

    for parent, folders, files in os.walk(folder):
        at = Path(parent)
        folders[:] = sorted(name for name in folders if wanted(at / name) and not other(at / name))
        for path in (at / name for name in sorted(files)):
            if (suffixes is None or path.suffix.lower() in suffixes) and wanted(path) and path.is_file():
                yield path
