"""The files below a folder, and what tells them apart."""

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

# Written by operating systems and archivers into every folder.
_NOISE = frozenset({"__macosx", "@eadir", "thumbs.db", "desktop.ini"})
_BESIDE = frozenset({".xml", ".txt", ".json", ".csv"})  # labels and lists, which belong to pictures


def passed_over(path: Path, why: str) -> None:
    """Says on standard error, whatever the command, what `files_below` passes over."""
    logging.getLogger(__name__).warning("%r: %s; passed over", str(path), why)


def files_below(
    folder: Path,
    suffixes: Collection[str] | None = None,
    *,
    exclude: Collection[Path] = (),
    other: Callable[[Path], bool] = lambda folder: False,
    links: bool = True,
    tell: Callable[[Path, str], object] = passed_over,
) -> Iterator[Path]:
    """Files in a folder and its subfolders in order of name, without hidden ones, whatever else lies there.

    Nothing is opened. A link to a folder elsewhere is followed, for a person made it; not so one to a folder
    that is searched anyway, or that holds such a one: circles end, and no folder is searched twice.

    Args:
        folder: must exist.
        suffixes: of the files, in small letters with their dot; None takes all.
        exclude: files and folders to leave out, as are subfolders of which `other` says so.
        links: False for folders of strangers, out of which no link may lead.
        tell: of what is neither file nor folder (a socket, a link to nothing) or not searched, and why; last,
            of the folder, how many files have other suffixes, and which.
    """
    unread: Counter[str] = Counter()
    left_out = {Path(os.path.realpath(path)) for path in exclude}
    searched = [Path(os.path.realpath(folder))]
    waiting = [(folder, searched[0])]
    while waiting:
        (at, within), first = waiting.pop(), len(waiting)
        try:
            there = sorted(at.iterdir())
        except OSError as error:
            tell(at, f"folder cannot be read: {error.strerror}")
            continue
        for path in there:
            # Of a circle of links, and in a folder that may not be entered, os.path says no, Path raises.
            link, is_folder = os.path.islink(path), os.path.isdir(path)  # noqa: PTH112, PTH114
            real = Path(os.path.realpath(path)) if link else within / path.name
            around = (real.is_relative_to(one) or one.is_relative_to(real) for one in searched)
            try:
                apart = is_folder and other(path)
            except OSError:  # it may not be entered, which is told when its turn comes
                apart = False
            if apart or path.name.startswith(".") or path.name.lower() in _NOISE or real in left_out:
                continue
            if link and not links and not real.is_relative_to(searched[0]):
                tell(path, "link out of the folder is not followed")
            elif is_folder and link and any(around):
                tell(path, "link to a folder is not followed")
            elif is_folder:
                searched += [real] if link else []
                waiting.insert(first, (path, real))
            elif not os.path.isfile(path):  # noqa: PTH113
                tell(path, "link that leads to no file" if link else "neither a file nor a folder")
            elif suffixes is None or path.suffix.lower() in suffixes:
                yield path
            elif path.suffix.lower() not in _BESIDE:
                unread[path.suffix.lower()] += 1
    if unread:
        kinds = ", ".join(f"{count} {suffix!r}" for suffix, count in sorted(unread.items())[:20])
        tell(folder, f"{unread.total()} files of kinds that are not read: {kinds}")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits; 1 to 2 s for a GB."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
