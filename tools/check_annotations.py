r"""Checks labelled pictures without converting them, and renames, merges and drops names.

    python -m tools.check_annotations check --dataset_dir my_set --output_dir runs/mine/check
    python -m tools.check_annotations check --dataset_dir my_set --output_dir runs/mine/check \
        --checkpoint_path runs/mine/train
    python -m tools.check_annotations rename Chitanda 千反田 --dataset_dir my_set --dry_run
    python -m tools.check_annotations merge chitanda Chitanda --into 千反田 --dataset_dir my_set
    python -m tools.check_annotations drop crowd --dataset_dir my_set
    python -m tools.check_annotations undo my_set/.old_labels/20260412_183000

`check` reports what tf_convert_data.py would (problems.csv), statistics (dataset.png, names.csv), pictures of
different splits that look alike (near_duplicates.csv, .jpg) and, with a checkpoint, labels that the detector
strongly disagrees with (suspicious.csv, .jpg). It changes nothing in the folder.
"""

from __future__ import annotations

import shlex
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from datasets.annotations import ReadOptions, read_folder
from datasets.problems import group_problems, write_problems
from datasets.splits import SplitOptions
from labelling import names as name_edits
from labelling.report import find_alike, notes_of, write_alike, write_statistics, write_suspicions
from terminal.bars import counting_bars
from terminal.command import command, note, say, show_table
from terminal.quiet import start_tensorflow

COMMANDS = ("check", "rename", "merge", "drop", "undo")


@dataclass(frozen=True)
class Check:
    """Reports on a folder of labelled pictures; changes nothing in it."""

    dataset_dir: Path
    """Folder with Annotations/ and JPEGImages/, or with pictures and XML side by side."""
    output_dir: Path
    """Folder for the reports; made if it does not exist."""
    checkpoint_path: Path | None = None
    """Checkpoint folder: also lists labels that this detector strongly disagrees with."""
    near_duplicates: bool = True
    """Look for pictures of different splits that look nearly the same."""
    reading: Annotated[ReadOptions, tyro.conf.arg(name="")] = field(default_factory=ReadOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(default_factory=SplitOptions)


@dataclass(frozen=True)
class Edit:
    """What every change of names is told."""

    dataset_dir: Path
    """Folder with the XML files."""
    dry_run: bool = False
    """Only say what would change."""


@dataclass(frozen=True, kw_only=True)
class Rename(Edit):
    """Gives all objects of a name another one, which nobody has yet."""

    old: Annotated[str, tyro.conf.Positional]
    """The name as it is."""
    new: Annotated[str, tyro.conf.Positional]
    """The name as it is to be."""


@dataclass(frozen=True, kw_only=True)
class Merge(Edit):
    """Gives the objects of several names one name."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Names to be merged."""
    into: str
    """The name that their objects get: one of them, or another."""


@dataclass(frozen=True, kw_only=True)
class Drop(Edit):
    """Removes the objects of names from the XML files; pictures and files stay."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Names whose objects are removed."""


@dataclass(frozen=True)
class Undo:
    """Takes a rename, merge or drop back, byte for byte, where nobody changed the file since."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The folder DATASET/.old_labels/DATE in which it kept the old files."""


def check(options: Check, console: Console) -> None:
    """Writes the reports and says on screen what is in them."""
    output_dir = options.output_dir
    if output_dir.exists() and not output_dir.is_dir():
        raise ValueError(f"--output_dir {output_dir}: is a file; give a folder, existing or not")
    detector = None
    if options.checkpoint_path is not None:
        start_tensorflow()
        from nets.detector import Detector

        detector = Detector.load(options.checkpoint_path)
    inside = [] if output_dir.resolve() == options.dataset_dir.resolve() else [output_dir]
    with counting_bars(console) as progress:
        reading = read_folder(options.dataset_dir, options.reading, exclude=inside, progress=progress)
        assignment = reading.assign(options.splitting)  # as tf_convert_data.py would into a new output folder
        problems = [*reading.problems, *assignment.problems]
        output_dir.mkdir(parents=True, exist_ok=True)
        write_problems(output_dir / "problems.csv", problems)
        numbers = write_statistics(output_dir, reading.annotations, assignment.splits)
        said = [f"{len(problems)} problems"]
        if options.near_duplicates:
            alike = find_alike(reading.annotations, assignment.splits, progress)
            write_alike(output_dir, alike)
            said.append(f"{len(alike)} pairs of pictures in different splits that look alike")
        suspicions: dict[str, int] = {}
        if detector is not None:
            suspicions = write_suspicions(output_dir, reading.annotations, detector, progress)

    if problems:
        show_table(console, ("count", "problem", "what conversion does", "first"), group_problems(problems))
    names = sorted({name for part in numbers.values() for name in part["names"]})
    rows = [
        (name, *(part["names"].get(name, {}).get("boxes", 0) for part in numbers.values())) for name in names
    ]
    rows.append(("pictures", *(part["pictures"] for part in numbers.values())))
    show_table(console, ("boxes of", *numbers), rows, last=1)
    for one in notes_of(numbers, assignment):
        note(console, one)
    if detector is not None:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in suspicions.items()) or "none"
        said.append(f"suspicious labels: {kinds}")
        if 2 * suspicions.get("nobody there?", 0) > sum(part["boxes"] for part in numbers.values()):
            note(
                console,
                "The detector sees nobody in most of the boxes: it is not good enough, or of another series, "
                "to judge these labels.",
            )
        strangers = [name for name in names if name not in detector.labels]
        if strangers:
            said.append(f"names that the detector does not know: {', '.join(strangers)}")
    say(console, f"{'; '.join(said)}. See {output_dir}")


def edit(options: Rename | Merge | Drop, console: Console) -> None:
    """Renames, merges or drops, or says what that would do."""
    names = name_edits.count_names(options.dataset_dir)
    if isinstance(options, Rename):
        change = name_edits.renaming(options.old, options.new, names)
    elif isinstance(options, Merge):
        change = name_edits.merging(options.names, options.into, names)
    else:
        change = name_edits.dropping(options.names, names)
    with counting_bars(console) as progress:
        planned = name_edits.plan(options.dataset_dir, change, progress)
    now, after = planned.names, planned.after
    rows = [(name, now[name], after[name]) for name in sorted({*now, *after}) if now[name] != after[name]]
    show_table(console, ("name", "objects now", "afterwards"), rows)
    for problem in planned.problems:
        say(console, f"{problem.file}: {problem.reason}; {problem.action}")
    if options.dry_run:
        say(console, f"{len(planned.edits)} files would change; nothing was changed.")
        return
    with counting_bars(console) as progress:
        kept = name_edits.apply(planned, options.dataset_dir, progress)
    say(
        console,
        f"{len(planned.edits)} files changed. To take it back: "
        f"python -m tools.check_annotations undo {shlex.quote(str(kept))}\n"
        "Convert into a new --output_dir: labels.txt of an earlier conversion keeps the old names.",
    )


def take_back(options: Undo, console: Console) -> None:
    """Undoes an edit."""
    restored, left = name_edits.undo(options.folder)
    say(console, f"{len(restored)} files restored.")
    for path in left:
        say(console, f"{path}: was changed or removed since, and stays")


@command(
    "check_annotations",
    interrupted="if names were being changed, undo with the newest folder in .old_labels of the data set",
)
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    # A camera's damaged EXIF is reported where it matters, as a picture's orientation.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in (*COMMANDS, "-h", "--help"):
        given.insert(0, "check")
    console = Console()
    options = tyro.cli(
        Check | Rename | Merge | Drop | Undo,
        args=given,
        prog="python -m tools.check_annotations",
        description=__doc__,
        use_underscores=True,
    )
    if isinstance(options, Check):
        check(options, console)
    elif isinstance(options, Undo):
        take_back(options, console)
    else:
        edit(options, console)


if __name__ == "__main__":
    sys.exit(main())
