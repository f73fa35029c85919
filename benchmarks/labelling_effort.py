"""How many boxes a person still has to put right in drafts, against drawing and naming all of them.

    python -m benchmarks.labelling_effort --drafts_dir=my_set/Annotations --truth_dir=truth

Both are folders of XML; files with the same name are of the same picture. The person follows the rule of
docs/labelling.md, by which less than half a head needs no box: what the truth calls difficult is asked for
only where a draft lies on it.
"""

import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from datasets.voc import RepairedObjects, read_xml, repair_objects
from terminal.command import command
from terminal.quiet import start_tensorflow

# A box this near is left as it is; one this near is moved rather than deleted and drawn anew.
GOOD, MOVABLE = 0.7, 0.4
# Assumed, not measured: seconds for one box of each kind, and for a look at a picture. People who draw boxes
# all day take 7 seconds for one (Papadopoulos et al. 2017, Extreme clicking); a name takes some more.
DRAW, MOVE, RENAME, DELETE, LOOK = 10.0, 5.0, 4.0, 2.0, 2.0


@dataclass(frozen=True)
class Options:
    """Counts what a person has to do to turn drafts into the truth."""

    drafts_dir: Path
    """XML that a program wrote."""
    truth_dir: Path
    """XML as it should be."""


@dataclass(frozen=True)
class Effort:
    """What has to be done with boxes.

    Attributes:
        right: nothing.
        moved: edges to be moved.
        renamed: a name to be changed (and perhaps edges moved).
        drawn: to be drawn and named.
        deleted: to be deleted.
        untouched: pictures in which all is right.
        pictures: in all.
    """

    right: int = 0
    moved: int = 0
    renamed: int = 0
    drawn: int = 0
    deleted: int = 0
    untouched: int = 0
    pictures: int = 0

    @property
    def corrections(self) -> int:
        """Boxes that a person must touch."""
        return self.moved + self.renamed + self.drawn + self.deleted

    @property
    def seconds(self) -> float:
        """How long a person takes for all of it, as assumed above."""
        work = DRAW * self.drawn + MOVE * self.moved + RENAME * self.renamed + DELETE * self.deleted
        return work + LOOK * self.pictures

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def effort_for(
    drafts: np.ndarray, draft_names: Sequence[str], truth: np.ndarray, names: Sequence[str]
) -> Effort:
    """The effort for one picture.

    Drafts and objects that overlap most are taken together first, and of equal ones those of one name.

    Args:
        drafts: [N, 4] corners.
        draft_names: N names.
        truth: [G, 4].
        names: G names.
    """
    from boxes.geometry import iou

    overlaps = iou(drafts, truth)  # [N, G]
    pairs = sorted(
        (-float(overlaps[i, j]), draft_names[i] != names[j], i, j)
        for i, j in np.argwhere(overlaps >= MOVABLE).tolist()
    )
    left, missing = set(range(len(drafts))), set(range(len(truth)))
    right = moved = renamed = 0
    for overlap, other_name, i, j in pairs:
        if i not in left or j not in missing:
            continue
        left.remove(i)
        missing.remove(j)
        renamed += other_name
        moved += not other_name and -overlap < GOOD
        right += not other_name and -overlap >= GOOD
    whole = not left and not missing and right == len(truth)
    return Effort(right, moved, renamed, len(missing), len(left), int(whole), 1)


def measure(options: Options) -> tuple[Effort, int]:
    """The effort for a folder, and the number of boxes to be drawn without drafts.

    Raises:
        ValueError: a folder has no XML that the other has too.
    """
    total, boxes = Effort(), 0
    for path in sorted(options.truth_dir.glob("*.xml")):
        draft = options.drafts_dir / path.name
        if not draft.is_file():
            continue
        there, drafted = objects_of(path), objects_of(draft)
        total += effort_for(drafted.boxes, drafted.names, *asked_for(there, drafted.boxes))
        boxes += there.difficult.count(False)
    if not total.pictures:
        raise ValueError(f"{options.drafts_dir} and {options.truth_dir} have no XML of the same name")
    return total, boxes


def objects_of(path: Path) -> RepairedObjects:
    """What an XML shows."""
    raw = read_xml(path)
    return repair_objects(raw.objects, raw.size or (1, 1), "")[0]


def asked_for(truth: RepairedObjects, drafts: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Boxes [G, 4] and names of what a person labels where drafts [N, 4] are shown."""
    from boxes.geometry import iou

    drafted = np.asarray(iou(truth.boxes, drafts)).max(1, initial=0) >= MOVABLE
    kept = ~np.array(truth.difficult, bool) | drafted
    return truth.boxes[kept], [name for name, asked in zip(truth.names, kept, strict=True) if asked]


@command("python -m benchmarks.labelling_effort")
def main(options: Options) -> None:
    start_tensorflow()
    effort, boxes = measure(options)
    table = Table("with drafts", "boxes")
    table.add_row("right as they are", str(effort.right))
    table.add_row("to move", str(effort.moved))
    table.add_row("to rename", str(effort.renamed))
    table.add_row("to draw", str(effort.drawn))
    table.add_row("to delete", str(effort.deleted))
    table.add_row("to touch in all", str(effort.corrections), style="bold")
    table.add_row("to draw and name without drafts", str(boxes), style="bold")
    console = Console()
    console.print(table)
    console.print(f"{effort.untouched} of {effort.pictures} pictures need no correction")
    without = Effort(drawn=boxes, pictures=effort.pictures)
    console.print(
        f"A person takes {effort.seconds / 60:.0f} minutes, without drafts {without.seconds / 60:.0f}, "
        f"if drawing and naming a box takes {DRAW:g} seconds, moving one {MOVE:g}, another name {RENAME:g}, "
        f"deleting {DELETE:g} and looking at a picture {LOOK:g} (assumed, not measured)"
    )


if __name__ == "__main__":
    sys.exit(main())
