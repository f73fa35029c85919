"""Which film or series a picture comes from, and of which picture it is a copy, as far as names tell.

A picture is named by its path below the picture folder without suffix: `ep01/frame_000123`. What others call
films, moments and copies is a table, sources.toml.
"""

import re
from collections.abc import Iterable

from files.reading import table_beside

_HOW = re.IGNORECASE | re.VERBOSE | re.DOTALL
_NAMES = {name: re.compile(text, _HOW) for name, text in table_beside(__file__).items()}
_EDGES = " _-.()[]#"


def source_of(name: str) -> str:
    """What a file name, without folder and suffix, tells of the film: `episode03_000123` is of `episode03`.

    It is the text before a moment or, where there is none, before the last number. Random letters that keep
    names apart, and what players and augmentations add, do not count: `a1b2c3d4-ep01.mkv_snapshot_00.04.13`
    comes from `ep01`. A name without a number is its own source.
    """
    name = _NAMES["random_before"].sub("", without_copy(name), count=1)
    if video := _NAMES["video"].match(name):
        return video["film"].strip(_EDGES)
    plain = _NAMES["random_after"].sub("", name)
    if found := _NAMES["moment"].search(plain) or _NAMES["frame"].search(plain):
        text = plain[: found.start()]
    elif plain == name:
        text = before_last_number(name)
    else:
        counted = _NAMES["counted"].fullmatch(plain)
        text = (counted["film"] or counted["nameless"]) if counted else plain
    return _NAMES["player"].sub("", text.rstrip()).strip(_EDGES)


def without_copy(name: str) -> str:
    """A file name without what only copies have at its end."""
    return _NAMES["copy"].sub("", name) or name


def before_last_number(name: str) -> str:
    """All that earlier versions knew of a source."""
    match = re.fullmatch(r"(.*?)\d+\D*", name, re.DOTALL)
    return (match[1] if match else name).strip(_EDGES)


def units_of(stems: Iterable[str]) -> dict[str, str]:
    """What must not be parted, by picture: its own path, or that of the picture that it is a copy of.

    Copies may lie in other folders, as long as these only say what lies there (`train`, `augmented`).
    """
    units: dict[str, str] = {}
    for stem in stems:
        *folders, name = stem.split("/")
        folders = [part for part in folders if not _NAMES["role"].fullmatch(part)]
        units[stem] = "/".join([*folders, without_copy(name)])
    there = set(units.values())
    for stem, unit in units.items():
        folder, name = unit[: unit.rfind("/") + 1], unit[unit.rfind("/") + 1 :]
        while (match := _NAMES["perhaps_copy"].fullmatch(name)) and (
            folder + (base := match["after"] or match["before"]) in there
        ):
            name = base
        units[stem] = folder + name
    return units


def sources_of(stems: Iterable[str]) -> dict[str, str]:
    """The source of each picture: `source_of` its file name, and its folder where names alone do not tell.

    They do not where equal names stand in several folders, and where they are numbers or `frame_000123`.
    """
    units = {stem: unit.rpartition("/") for stem, unit in units_of(stems).items()}
    folders: dict[str, set[str]] = {}
    for folder, _, name in units.values():
        folders.setdefault(name, set()).add(folder)
    several = {source_of(name) for name, some in folders.items() if len(some) > 1}
    sources = {}
    for stem, (folder, _, name) in units.items():
        source = source_of(name)
        nameless = _NAMES["nameless"].fullmatch(source)
        if folder and (nameless or source in several):
            above, _, last = folder.rpartition("/")
            film = above if above and _NAMES["part"].fullmatch(last) else folder
            source = film if nameless else f"{film}/{source}"
        sources[stem] = source
    return sources
