"""Plays a person who labels a data set on the page (`make label`), and counts keys, clicks and seconds.

    python -m benchmarks.labelling_page --dataset_dir=my_set --truth_dir=truth

The data set has drafts of heads (tools.propose_faces) and is changed: give a copy. The truth is XML of the
same names, which only the person knows. Every question of `labelling.desk` is answered as the page lets a
person answer it; seconds, and which heads need a box, are those of benchmarks.labelling_effort.
"""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.labelling_effort import (
    DELETE,
    GOOD,
    LOOK,
    MOVABLE,
    RENAME,
    Effort,
    asked_for,
    effort_for,
    objects_of,
)
from datasets.voc import RepairedObjects
from labelling.desk import Desk
from labelling.marks import Head, Picture
from labelling.questions import Question
from terminal.bars import counting_bars
from terminal.command import command
from terminal.quiet import start_tensorflow

ME = "simulated person"


@dataclass(frozen=True)
class Options:
    """Counts what a person does on the page for labelling."""

    dataset_dir: Path
    """Pictures and drafts; it is labelled."""
    truth_dir: Path
    """XML as it should be."""
    rounds: tuple[int, ...] = ()
    """A detector learns (tools.train_drafts) when so many pictures are labelled; the person waits."""
    checkpoint_path: str | None = None
    """What the first of these rounds starts from."""


@dataclass
class Counted:
    groups: int = 0  # questions, each answered with a key
    apart: int = 0  # tracks of groups that do not belong there
    sheets: int = 0  # each confirmed with a key
    effort: Effort = field(default_factory=Effort)  # on sheets
    boxes: int = 0  # that end up on the disk

    @property
    def actions(self) -> int:
        return self.groups + self.apart + self.sheets + self.effort.corrections

    @property
    def seconds(self) -> float:
        return (LOOK + RENAME) * self.groups + DELETE * self.apart + self.effort.seconds


class Person:
    """Knows the truth, by picture."""

    def __init__(self, truth_dir: Path):
        self.truth_dir = truth_dir
        self.known: dict[str, RepairedObjects] = {}

    def truth(self, picture: Picture) -> RepairedObjects:
        key = picture.xml.name
        if key not in self.known:
            self.known[key] = objects_of(self.truth_dir / key)
        return self.known[key]

    def who(self, picture: Picture, head: Head) -> str:
        """Whose head that is; "" where it is nobody's with a name."""
        from boxes.geometry import iou

        truth = self.truth(picture)
        overlaps = np.asarray(iou(head.box[None], truth.boxes))[0]
        best = int(overlaps.argmax()) if len(overlaps) else 0
        return truth.names[best] if len(overlaps) and overlaps[best] >= MOVABLE else ""

    def answer_group(self, desk: Desk, question: Question, counted: Counted) -> None:
        of = {head: picture for picture in question.pictures for head in picture.heads}
        said = [
            Counter(self.who(of[head], head) for head in track).most_common(1)[0][0]
            for track in question.tracks
        ]
        name = Counter(said).most_common(1)[0][0]
        apart = [number for number, other in enumerate(said) if other != name]
        counted.groups += 1
        counted.apart += len(apart)
        desk.name_group(ME, question.key, name, apart)

    def answer_sheet(self, desk: Desk, question: Question, counted: Counted) -> None:
        from boxes.geometry import iou

        sheet = []
        for picture in question.pictures:
            shown = [desk.guess(head) for head in picture.heads]
            drafts = desk.boxes_of(picture)
            boxes, names = asked_for(self.truth(picture), drafts)
            effort = effort_for(drafts, shown, boxes, names)
            # Heads that are shown as nobody's vanish by themselves.
            near = np.asarray(iou(drafts, boxes)).max(1, initial=0) >= MOVABLE
            free = sum(not name and not there for name, there in zip(shown, near, strict=True))
            counted.effort += Effort(
                effort.right, effort.moved, effort.renamed, effort.drawn, max(0, effort.deleted - free),
                effort.untouched, 1,
            )  # fmt: skip
            sheet.append(corrected(drafts, boxes, names))
            counted.boxes += len(names)
        counted.sheets += 1
        desk.confirm(ME, question.key, sheet)


def corrected(drafts: np.ndarray, boxes: np.ndarray, names: list[str]) -> list[Head]:
    """The truth, with the boxes of drafts where these are good enough to be left as they are."""
    from boxes.geometry import iou

    overlaps = np.asarray(iou(boxes, drafts))
    heads = []
    for number, name in enumerate(names):
        best = int(overlaps[number].argmax()) if len(drafts) else -1
        good = best >= 0 and overlaps[number, best] >= GOOD
        heads.append(Head(drafts[best] if good else boxes[number], name, True))
    return heads


def play(options: Options) -> Counted:
    from nets.detector import HEADS
    from nets.likeness import Likeness

    console = Console()
    with counting_bars(console) as progress:
        desk = Desk(options.dataset_dir, Likeness.load(HEADS), progress)
        person, counted = Person(options.truth_dir), Counted()
        rounds = sorted(options.rounds)
        while (question := desk.ask(ME)) is not None:
            (person.answer_group if question.tracks else person.answer_sheet)(desk, question, counted)
            state = desk.progress()
            progress("labelling", int(state["done"]), int(state["pictures"]))
            if rounds and state["done"] >= rounds[0]:
                console.print(f"{state['done']:.0f} pictures: {counted.actions} for {counted.boxes} boxes")
                del rounds[0]
                path = options.checkpoint_path
                start = [] if path is None else [f"--checkpoint_path={path}"]
                command = [sys.executable, "-m", "tools.train_drafts", f"--dataset_dir={options.dataset_dir}"]
                subprocess.run([*command, *start], check=True)
    return counted


@command("python -m benchmarks.labelling_page")
def main(options: Options) -> None:
    start_tensorflow()
    counted = play(options)
    effort = counted.effort
    table = Table("on the page", "")
    for what, number in (
        ("groups named", counted.groups), ("tracks put apart", counted.apart),
        ("sheets confirmed", counted.sheets), ("boxes drawn", effort.drawn), ("moved", effort.moved),
        ("renamed", effort.renamed), ("deleted", effort.deleted), ("keys and clicks in all", counted.actions),
        ("boxes", counted.boxes), ("keys and clicks a box", f"{counted.actions / counted.boxes:.3f}"),
        ("minutes (assumed)", f"{counted.seconds / 60:.1f}"),
    ):  # fmt: skip
        table.add_row(what, str(number))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
