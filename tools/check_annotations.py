r"""Checks labelled pictures without converting them, and renames, merges and drops names.

    python -m tools.check_annotations check --dataset_dir my_set --output_dir runs/mine/check
    python -m tools.check_annotations check --dataset_dir my_set --output_dir runs/mine/check \
        --checkpoint_path runs/mine/train
    python -m tools.check_annotations rename Chitanda 千反田 --dataset_dir my_set --dry_run
    python -m tools.check_annotations merge chitanda Chitanda --into 千反田 --dataset_dir my_set
    python -m tools.check_annotations drop crowd --dataset_dir my_set

`check` reports what tf_convert_data.py would (problems.csv), statistics (dataset.png, names.csv), pictures of
different splits that look alike (near_duplicates.csv, .jpg) and, with a checkpoint, labels that the detector
strongly disagrees with (suspicious.csv, .jpg). It changes nothing in the folder.
"""

import shlex
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from tyro.conf import Positional

from datasets.annotations import ReadOptions, count_rows, read_folder
from datasets.look_alikes import look_alike_names
from datasets.problems import group_problems, write_problems
from datasets.splits import SplitOptions, coverage_notes
from labelling import names as name_edits
from terminal.bars import counting_bars, show_table
from terminal.command import command, note, say
from terminal.quiet import start_tensorflow


@dataclass(frozen=True)
class Check:
    """Reports on a folder of labelled pictures; changes nothing in it."""

    dataset_dir: Path  #: Folder with Annotations/ and JPEGImages/, or with pictures and XML side by side.
    output_dir: Path  #: Folder for the reports; made if it does not exist.
    #: Checkpoint folder: also lists labels that this detector strongly disagrees with.
    checkpoint_path: Path | None = None
    reading: Annotated[ReadOptions, tyro.conf.arg(name="")] = field(default_factory=ReadOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(default_factory=SplitOptions)


@dataclass(frozen=True)
class Edit:
    """What every change of names is told."""

    dataset_dir: Path  #: Folder with the XML files.
    dry_run: bool = False  #: Only say what would change.


@dataclass(frozen=True, kw_only=True)
class Rename(Edit):
    """Gives all objects of a name another one, which nobody has yet."""

    old: Positional[str]  #: The name as it is.
    new: Positional[str]  #: The name as it is to be.


@dataclass(frozen=True, kw_only=True)
class Merge(Edit):
    """Gives the objects of several names one name."""

    names: Positional[tuple[str, ...]]  #: Names to be merged.
    into: str  #: The name that their objects get: one of them, or another.


@dataclass(frozen=True, kw_only=True)
class Drop(Edit):
    """Removes the objects of names from the XML files; pictures and files stay."""

    names: Positional[tuple[str, ...]]  #: Names whose objects are removed.


def check(options: Check, console: Console) -> None:
    """Writes the reports and says on screen what is in them."""
    # Not at the top: --help need not wait for Matplotlib.
    from labelling.report import write_alike, write_statistics, write_suspicions

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
        if problems:
            headings = "count", "problem", "what conversion does", "first"
            show_table(console, headings, group_problems(problems))
        if not reading.annotations:
            raise ValueError(f"nothing to convert: {reading.nothing_found(problems)}")
        numbers = write_statistics(output_dir, reading.annotations, assignment.splits)
        alike = write_alike(output_dir, reading.annotations, assignment.splits, progress)
        said = [f"{len(problems)} problems, {alike} pairs of pictures in different splits that look alike"]
        suspicions = detector and write_suspicions(output_dir, reading.annotations, detector, progress)

    names = sorted({name for part in numbers.values() for name in part["names"]})
    show_table(console, ("boxes of", *numbers), count_rows(numbers, names), last=2)
    for one in (*assignment.notes, *coverage_notes(numbers, assignment.by), *look_alike_names(names)):
        note(console, one)
    if detector is not None and suspicions is not None:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in suspicions.items()) or "none"
        said.append(f"suspicious labels: {kinds}")
        if 2 * suspicions["nobody there?"] > sum(part["boxes"] for part in numbers.values()):
            blind = "it is not good enough, or of another series, to judge these labels"
            note(console, f"The detector sees nobody in most of the boxes: {blind}.")
        if strangers := ", ".join(name for name in names if name not in detector.labels):
            said.append(f"names that the detector does not know: {strangers}")
    say(console, f"{'; '.join(said)}. See {output_dir}")


def edit(options: Rename | Merge | Drop, console: Console) -> None:
    """Renames, merges or drops, or says what that would do."""
    names = name_edits.plan(options.dataset_dir, {}).names
    match options:
        case Rename():
            change = name_edits.renaming(options.old, options.new, names)
        case Merge():
            change = name_edits.merging(options.names, options.into, names)
        case Drop():
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
    back = f"cp -r {shlex.quote(f'{kept}/.')} {shlex.quote(str(options.dataset_dir))}"
    say(console, f"{len(planned.edits)} files changed. To take it back: {back}")
    say(console, "Convert into a new --output_dir: labels.txt of an earlier conversion keeps the old names.")


@command(
    "check_annotations",
    interrupted="if names were being changed, the newest folder in .old_labels has the files as they were",
)
def main(arguments: Sequence[str] | None = None) -> None:
    # A camera's damaged EXIF is reported where it matters, as a picture's orientation.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in ("check", "rename", "merge", "drop", "-h", "--help"):
        given.insert(0, "check")
    program = "python -m tools.check_annotations"
    kinds = Check | Rename | Merge | Drop
    options = tyro.cli(kinds, args=given, prog=program, description=__doc__, use_underscores=True)
    console = Console()
    if isinstance(options, Check):
        check(options, console)
    else:
        edit(options, console)


if __name__ == "__main__":
    raise SystemExit(main())
