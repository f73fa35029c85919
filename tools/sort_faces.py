r"""Sorts pictures of faces into folders: by name with a trained model, or alike ones together without.

    python -m tools.sort_faces --faces_dir crops --output_dir sorted --checkpoint_path runs/mine/train
    python -m tools.sort_faces --faces_dir crops --output_dir sorted
    python -m tools.sort_faces --faces_dir crops --output_dir sorted --features vgg16_imagenet_conv.npz
    python -m tools.sort_faces undo sorted/sorting_20260412_183000.jsonl

Look at contact_sheets/ afterwards: on each sheet the most doubtful faces come first. Move the wrong ones with
any file manager, rename group_001 to the character's name, put two groups of one character together. Faces
are moved (or, with --copy, copied), never overwritten, and a log lets all of it be undone.
"""

from __future__ import annotations

import math
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.markup import escape

from datasets.pictures import ACCEPTED_SUFFIXES, PictureError, read_picture, save_picture
from faces.moves import Mover, copied_before, folder_name, undo
from files.below import files_below
from files.threads import map_in_threads
from terminal.bars import counting_bars
from terminal.command import command
from terminal.quiet import start_tensorflow
from visualization.drawing import contact_sheet, scale_to

UNSURE, SHEETS, GROUP = "unsure", "contact_sheets", "group"
_MOST_TILES = 120
_TILE = 112
_CHUNK = 64  # pictures in memory at once


@dataclass(frozen=True)
class Sort:
    """Sorts pictures of faces into folders, by name or by likeness."""

    faces_dir: Path
    """Folder with one face per picture; its subfolders are searched too."""
    output_dir: Path
    """Folder for the folders, the contact sheets and the log; made if it does not exist."""
    checkpoint_path: Path | None = None
    """Folder of a face classifier or a detector: one folder per name that it gives. Not given: groups of
    alike faces."""
    score_threshold: float = 0.5
    """With a checkpoint: faces with a lower score go into the folder "unsure"."""
    features: Path | None = None
    """Without a checkpoint for names: what else tells faces apart, beside colours and outlines: VGG-16's
    ImageNet weights (.npz under tf-slim's names), or any checkpoint folder, of other characters too."""
    groups: int = 0
    """How many groups; 0 chooses. Several groups for one character are meant: they are quickly put together,
    but two characters in one group are tedious to part."""
    copy: bool = False
    """Copy the pictures instead of moving them. Those of which an earlier run left a copy are passed over."""
    dry_run: bool = False
    """Only say what would go where."""

    def __post_init__(self) -> None:
        if not 0 <= self.score_threshold <= 1:
            raise ValueError(f"--score_threshold must be in 0...1, not {self.score_threshold}")
        if self.groups < 0:
            raise ValueError(f"--groups must be 0 (chosen) or more, not {self.groups}")


@dataclass(frozen=True)
class Undo:
    """Puts faces back where they were."""

    log: Annotated[Path, tyro.conf.Positional]
    """The sorting_DATE.jsonl in the output folder."""


@dataclass(frozen=True)
class Place:
    """Where a face goes, and how sure that is: the least sure come first on contact sheets."""

    path: Path
    folder: str
    sureness: float
    caption: str


Look = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
NamesOf = Callable[[Sequence[np.ndarray]], Sequence]
Progressed = Callable[[int, int], None]


def find_faces(faces_dir: Path, output_dir: Path) -> list[Path]:
    """Pictures in a folder and below, without hidden ones and those in the output folder.

    Raises:
        ValueError: there are none.
    """
    if not faces_dir.is_dir():
        raise ValueError(f"--faces_dir {faces_dir}: there is no such folder")
    found = list(files_below(faces_dir, ACCEPTED_SUFFIXES, exclude=[output_dir]))
    if not found:
        raise ValueError(f"--faces_dir {faces_dir}: no picture in it ({' '.join(sorted(ACCEPTED_SUFFIXES))})")
    return found


def by_name(
    paths: Sequence[Path], names_of: NamesOf, score_threshold: float, progress: Progressed
) -> tuple[list[Place], list[tuple[Path, str]]]:
    """One folder a name.

    Args:
        paths: of the faces.
        names_of: see `faces.names.NamesFaces`.
        score_threshold: below it a face is `UNSURE`.
        progress: called with (faces done, faces in all).

    Returns:
        Places, and (path, reason) of pictures that cannot be read.
    """
    places, unreadable = [], []
    done = 0
    for chunk in _chunks(paths, unreadable):
        for (path, _), said in zip(chunk, names_of([image for _, image in chunk]), strict=True):
            sure = bool(said.name) and said.score >= score_threshold
            caption = f"{said.name or 'nobody'} {said.score:.0%}" if not sure else f"{said.score:.0%}"
            places.append(Place(path, said.name if sure else UNSURE, said.score, f"{caption} {path.stem}"))
        done += len(chunk)
        progress(done, len(paths))
    return places, unreadable


def by_likeness(
    paths: Sequence[Path],
    looks: Sequence[Look],
    groups: int,
    first_number: int,
    progress: Progressed,
) -> tuple[list[Place], list[tuple[Path, str]]]:
    """Groups of alike faces, the largest first.

    Args:
        paths: of the faces.
        looks: give features, see `faces.likeness`.
        groups: how many; 0 chooses.
        first_number: of the first group's folder.
        progress: as in `by_name`.
    """
    from faces.clusters import MOST_POINTS, ward_clusters
    from faces.likeness import combine

    if len(paths) > MOST_POINTS:
        raise ValueError(
            f"{len(paths)} faces are too many to compare at once, at most {MOST_POINTS}; "
            "sort folder by folder"
        )
    unreadable: list[tuple[Path, str]] = []
    kept: list[Path] = []
    seen: list[list[np.ndarray]] = []
    for chunk in _chunks(paths, unreadable):
        images = [image for _, image in chunk]
        seen.append([block for look in looks for block in look(images)])
        kept += [path for path, _ in chunk]
        progress(len(kept), len(paths))
    if not kept:
        return [], unreadable
    points = combine([np.concatenate(blocks) for blocks in zip(*seen, strict=True)])
    # More groups than characters, so that each has one character, see `Sort.groups`.
    count = min(len(kept), groups or max(1, round(1.5 * math.sqrt(len(kept)))))
    numbers = ward_clusters(points, count)
    places = []
    for path, number, point in zip(kept, numbers, points, strict=True):
        centre = points[numbers == number].mean(axis=0)
        folder = f"{GROUP}_{first_number + int(number):03}"
        places.append(Place(path, folder, -float(np.linalg.norm(point - centre)), path.stem))
    return places, unreadable


def next_group(output_dir: Path) -> int:
    """The number after the highest that a group of an earlier run has."""
    numbers = [
        int(match[1])
        for path in (output_dir.iterdir() if output_dir.is_dir() else ())
        if (match := re.fullmatch(rf"{GROUP}_(\d{{1,6}})", path.name))
    ]
    return max(numbers, default=0) + 1


def draw_sheets(output_dir: Path, places: Sequence[tuple[Path, Place]], progress: Progressed) -> None:
    """One contact sheet for each folder, the least sure face first.

    Args:
        output_dir: sheets go into its `SHEETS`.
        places: where each face is now, and why.
        progress: called with (sheets done, sheets in all).
    """
    folders: dict[str, list[tuple[Path, Place]]] = {}
    for path, place in places:
        folders.setdefault(folder_name(place.folder), []).append((path, place))
    for done, (folder, members) in enumerate(folders.items(), start=1):
        members.sort(key=lambda one: one[1].sureness)
        shown = members[:_MOST_TILES]
        tiles = list(map_in_threads(lambda one: scale_to(read_picture(one[0]), _TILE), shown))
        sheet = contact_sheet(
            tiles,
            columns=min(12, max(1, math.ceil(math.sqrt(1.4 * len(tiles))))),
            cell=_TILE,
            captions=[place.caption for _, place in shown],
        )
        save_picture(output_dir / SHEETS / f"{folder}.jpg", sheet)
        progress(done, len(folders))


def sort(options: Sort, console: Console) -> None:
    """Sorts, and says what went where."""
    paths = find_faces(options.faces_dir, options.output_dir)
    if options.copy:
        earlier = copied_before(options.faces_dir, options.output_dir)
        paths, every = [path for path in paths if path.absolute() not in earlier], len(paths)
        if len(paths) < every:
            console.print(f"{every - len(paths)} faces were copied earlier.", highlight=False)
    start_tensorflow()
    from faces.likeness import backbone_of, colours_and_outlines
    from faces.names import open_names

    with counting_bars(console) as progress:
        if options.checkpoint_path is not None:
            namer = open_names(options.checkpoint_path)
            places, unreadable = by_name(
                paths, namer.names_of, options.score_threshold, partial(progress, "naming")
            )
        else:
            looks: list[Look] = [colours_and_outlines]
            if options.features is not None:
                looks.append(backbone_of(options.features))
            first = next_group(options.output_dir)
            places, unreadable = by_likeness(
                paths, looks, options.groups, first, partial(progress, "comparing")
            )
        log = None
        if not options.dry_run and places:
            moved = []
            with Mover(options.faces_dir, options.output_dir, copy=options.copy) as mover:
                for place in places:
                    moved.append((mover.move(place.path, place.folder), place))
                    progress("moving", len(moved), len(places))
            log = mover.log
            draw_sheets(options.output_dir, moved, partial(progress, "drawing"))
    for folder, count in sorted(Counter(folder_name(place.folder) for place in places).items()):
        console.print(escape(f"{count:6} {folder}"), highlight=False)
    for path, reason in unreadable:
        console.print(escape(f"{path}: {reason}; stays"), highlight=False, soft_wrap=True)
    if log is None:
        console.print("Nothing was moved.")
    else:
        sheets = options.output_dir / SHEETS
        back = f"python -m tools.sort_faces undo {shlex.quote(str(log))}"
        said = f"Look at {sheets}. To take it back: {back}"
        console.print(escape(said), highlight=False, soft_wrap=True)


def _chunks(
    paths: Sequence[Path], unreadable: list[tuple[Path, str]]
) -> Iterator[list[tuple[Path, np.ndarray]]]:
    """Pictures, some at a time; those that cannot be read go into `unreadable`."""

    def read(path: Path) -> tuple[Path, np.ndarray | str]:
        try:
            return path, read_picture(path)
        except PictureError as error:
            return path, str(error)

    for start in range(0, len(paths), _CHUNK):
        chunk = []
        for path, image in map_in_threads(read, paths[start : start + _CHUNK]):
            if isinstance(image, str):
                unreadable.append((path, image))
            else:
                chunk.append((path, image))
        if chunk:
            yield chunk


@command(
    "sort_faces",
    interrupted="the same command sorts the faces that are left; undo with sorting_*.jsonl takes a run back",
)
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in ("sort", "undo", "-h", "--help"):
        given.insert(0, "sort")
    console = Console()
    options = tyro.cli(
        Sort | Undo,
        args=given,
        prog="python -m tools.sort_faces",
        description=__doc__,
        use_underscores=True,
    )
    if isinstance(options, Undo):
        undone = undo(options.log)
        console.print(f"{undone.restored} faces put back.", highlight=False)
        for path in undone.left:
            console.print(escape(f"{path}: was moved on, or its place is taken; stays"), soft_wrap=True)
    else:
        sort(options, console)


if __name__ == "__main__":
    sys.exit(main())
