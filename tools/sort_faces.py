"""Sorts pictures of faces into folders: by name with a trained model, or alike ones together without.

    python -m tools.sort_faces --faces_dir crops --output_dir sorted --checkpoint_path runs/mine/train
    python -m tools.sort_faces --faces_dir crops --output_dir sorted

Look at contact_sheets/ afterwards: on each sheet the most doubtful faces come first. Move the wrong ones with
any file manager, rename group_001 to the character's name, put two groups of one character together. Faces
are copied, never over one another; to take it back, delete the output folder. A face of which a copy is
anywhere in the output folder is passed over, so the same command goes on where it stopped.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from datasets.kinds import need_folder, seems
from datasets.pictures import SUFFIXES, PictureError, in_batches, read_picture, save_picture
from files.below import files_below, sha256_of
from files.threads import map_in_threads
from files.writing import printable, whole_file, why
from terminal.bars import Progress, counting_bars
from terminal.command import command, say
from terminal.quiet import start_tensorflow
from visualization.sheets import contact_sheet, scale_to

UNSURE, SHEETS, GROUP = "unsure", "contact_sheets", "group"
_MOST_NAME = 200  # bytes of a folder's name, of which systems take 255
_MOST_TILES = 120
_TILE = 112
_BATCH = 16  # faces looked at together


@dataclass(frozen=True)
class Options:
    faces_dir: Path  #: folder with one face per picture; its subfolders are searched too.
    output_dir: Path  #: folder for the folders and the contact sheets; made if it does not exist.
    #: folder of a face classifier or a detector: one folder per name that it gives. Not given: groups of
    #: alike faces.
    checkpoint_path: Path | None = None
    score_threshold: float = 0.5  #: with a checkpoint: faces with a lower score go into the folder "unsure".
    #: how many; 0 chooses. Several groups for one character are meant: they are quickly put together, but two
    #: characters in one group are tedious to part.
    groups: int = 0
    dry_run: bool = False  #: only say what would go where.

    def __post_init__(self) -> None:
        if not 0 <= self.score_threshold <= 1:
            raise ValueError(f"--score_threshold must be in 0...1, not {self.score_threshold}")
        if self.groups < 0:
            raise ValueError(f"--groups must be 0 (chosen) or more, not {self.groups}")


@dataclass(frozen=True)
class Place:
    """Where a face goes, and how sure that is: the least sure come first on contact sheets."""

    path: Path
    folder: str
    sureness: float
    caption: str


def by_name(found: Sequence[tuple[Path, tuple[str, float]]], options: Options) -> list[Place]:
    """One folder a name, from the name and the score of each face."""
    places = []
    for path, (name, score) in found:
        sure = bool(name) and score >= options.score_threshold
        caption = f"{score:.0%}" if sure else f"{name or 'nobody'} {score:.0%}"
        places.append(Place(path, folder_name(name) if sure else UNSURE, score, f"{caption} {path.stem}"))
    return places


def by_likeness(found: Sequence[tuple[Path, np.ndarray]], options: Options) -> list[Place]:
    """Groups of alike faces, the largest first, from the vector of each face."""
    from faces.sorting import alike_groups

    if not found:
        return []
    points = np.stack([vector for _, vector in found])
    # More groups than characters, so that each has one character, see `Options.groups`.
    wanted = options.groups or max(1, round(1.5 * math.sqrt(len(found))))
    numbers, first = alike_groups(points, min(len(found), wanted)), next_group(options.output_dir)
    places = []
    for (path, _), number, point in zip(found, numbers.tolist(), points, strict=True):
        away = float(np.linalg.norm(point - points[numbers == number].mean(axis=0)))
        places.append(Place(path, f"{GROUP}_{first + number:03}", -away, path.stem))
    return places


def folder_name(text: str) -> str:
    """A name as the name of one folder: never a path, never hidden, the same on every system."""
    kept = "".join(
        "_" if letter in '/\\:*?"<>|' or printable(letter) != letter else letter for letter in text
    )
    return kept.strip(" .").encode()[:_MOST_NAME].decode(errors="ignore").strip(" .") or "_"


def next_group(output_dir: Path) -> int:
    """The number after the highest that a group of an earlier run has."""
    there = output_dir.iterdir() if output_dir.is_dir() else ()
    found = [re.fullmatch(rf"{GROUP}_(\d{{1,6}})", path.name) for path in there]
    return max((int(match[1]) for match in found if match), default=0) + 1


def copy_face(path: Path, folder: Path) -> None:
    """Copies a file into a folder, or raises PictureError; a number is added to a name that another has."""
    names = (f"{path.stem}_{number}{path.suffix}" if number > 1 else path.name for number in count(1))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = next(place for name in names if not (place := folder / name).exists())
        with whole_file(place) as temporary:
            shutil.copy2(path, temporary)
    except OSError as error:
        raise PictureError("face cannot be copied", why(error)) from error


def draw_sheets(
    output_dir: Path, places: Sequence[Place], progress: Progress, tell: Callable[[Path, PictureError], None]
) -> None:
    """One contact sheet for each folder, the least sure face first; tells of those that cannot be."""
    folders: dict[str, list[Place]] = {}
    for place in sorted(places, key=lambda place: place.sureness):
        folders.setdefault(place.folder, []).append(place)
    for done, (folder, members) in enumerate(folders.items(), start=1):
        shown = members[:_MOST_TILES]
        columns = min(12, max(1, math.ceil(math.sqrt(1.4 * len(shown)))))
        captions, path = [place.caption for place in shown], output_dir / SHEETS / f"{folder}.jpg"
        try:
            tiles = list(map_in_threads(lambda place: scale_to(read_picture(place.path), _TILE), shown))
            save_picture(path, contact_sheet(tiles, columns=columns, cell=_TILE, captions=captions))
        except PictureError as error:
            tell(path, error)
        progress("drawing", done, len(folders))


@command("python -m tools.sort_faces", interrupted="the same command sorts the faces that are left")
def main(options: Options) -> int:
    console = Console()
    need_folder(options.faces_dir, "--faces_dir")
    paths = list(files_below(options.faces_dir, SUFFIXES, exclude=[options.output_dir]))
    if not paths:
        kind = seems(options.faces_dir)
        raise ValueError(f"--faces_dir {options.faces_dir}: no picture in it; {kind}".rstrip("; "))
    sheets = options.output_dir / SHEETS
    there = files_below(options.output_dir, SUFFIXES, exclude=[sheets]) if options.output_dir.is_dir() else ()
    copies = {sha256_of(path) for path in there}
    # Of one that may not be read the network's turn will tell.
    new = [path for path in paths if not os.access(path, os.R_OK) or sha256_of(path) not in copies]
    paths, every = new, len(paths)
    if len(paths) < every:
        say(console, f"{every - len(paths)} faces were copied earlier.")
    start_tensorflow()
    from faces.sorting import open_likeness, open_names

    if options.checkpoint_path is None:
        work, sort = open_likeness(), by_likeness
    else:
        work, sort = open_names(options.checkpoint_path), by_name

    lost: list[Path] = []

    def left_out(path: Path, error: PictureError) -> None:
        lost.append(path)
        say(console, f"{path}: {error}; {error.action}")

    found: list[tuple[Path, Any]] = []
    with counting_bars(console) as progress:
        for path, _, said in in_batches(paths, read_picture, work, batch_size=_BATCH, unreadable=left_out):
            found.append((path, said))
            progress("looking", len(found), len(paths))
        places, unread = sort(found, options), len(lost)
        if not options.dry_run:
            for done, place in enumerate(places, start=1):
                try:
                    copy_face(place.path, options.output_dir / place.folder)
                except PictureError as error:
                    left_out(place.path, error)
                progress("copying", done, len(places))
            places = [place for place in places if place.path not in lost]
            draw_sheets(options.output_dir, places, progress, left_out)
    for folder, number in sorted(Counter(place.folder for place in places).items()):
        say(console, f"{number:6} {folder}")
    if options.dry_run or not places:
        say(console, "Nothing was copied.")
    else:
        say(console, f"Look at {sheets}. To take it back, delete {options.output_dir}")
    return int(len(lost) > unread)


if __name__ == "__main__":
    sys.exit(main())
