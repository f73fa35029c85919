"""What a person is asked on the page for labelling, and what becomes of the answers: LabelImg's XML, at once.

First groups of heads that look like one person get a name, then sheets of pictures are said to be right. A
picture of which some heads have names stays a draft, which conversion leaves out and no new draft replaces;
one that was said to be right is as LabelImg saves it after its space key. LabelImg may be used in turns.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.labels import read_labels
from datasets.sources import sources_of
from files.threads import map_in_threads
from labelling.drafts import ORDER, DraftTarget, draft_targets, find_pictures
from labelling.example_heads import MOST, names_with
from labelling.groups import groups_of, tracks_of
from labelling.marks import Head, Picture, read_marks, take_back, write_marks
from terminal.bars import Progress, silent

if TYPE_CHECKING:  # importing it would start Keras before its remarks can be held back
    from nets.likeness import Likeness, Names

# Pictures of a sheet, tracks of a group that are shown, names to choose from: what a screen shows at once.
SHEET, CROPS, CHOICES = 12, 48, 5
_LEAST = 3  # heads of a group that is asked for; of fewer each is looked at on its sheet; not varied
_LEASE = 300.0  # seconds for which nobody else is asked the same
_MOST_UNDO = 200
_MOVED = (0.4, 0.99)  # overlaps, before and after, of a box that was moved
# How much a moved box changes what is expected of the next: of 369 boxes of a drawn film 36 were moved, with
# medians of the moved ones 53 to 85, with none of this 103 (benchmarks.labelling_page).
_LEARNT = 0.2
_SECONDS = {"group": 6.0, "sheet": 12.0}  # for one question, a guess until some were answered


@dataclass(eq=False)
class Question:
    """Tracks of a group, each a list of heads, or pictures of a sheet; who is asked, and since when."""

    who: str
    pictures: list[Picture]
    tracks: list[list[Head]] = field(default_factory=list)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    asked: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.stamps = {picture: picture.stamp for picture in self.pictures}

    @property
    def kind(self) -> str:
        return "group" if self.tracks else "sheet"


@dataclass(frozen=True)
class Outcome:
    """What an answer did: pictures that were written, and those that somebody else had changed meanwhile."""

    written: int
    changed: tuple[str, ...] = ()


class Desk:
    """Asks one person or several, and writes what they say. Its methods may be called from any thread."""

    def __init__(self, dataset_dir: Path, likeness: Likeness, progress: Progress = silent):
        """Reads a data set with its drafts and looks at every head in it.

        Raises:
            ValueError: no folder, no picture that can be read, or two that would share an annotation.
        """
        self._likeness, self._lock = likeness, threading.RLock()
        self.problems: list[str] = []  # pictures that are left out, a sentence each
        self._open: dict[str, Question] = {}
        self._later: dict[str, set[object]] = {}  # heads and pictures that a person put off
        self._undo: dict[str, list[list[tuple[Picture, bytes | None]]]] = {}
        self._answered: dict[str, Outcome] = {}
        self._took: dict[str, list[float]] = {"group": [], "sheet": []}
        self._names: Names | None = None
        self._style = np.zeros(4)  # the code of boxes as the person draws them, relative to drafts
        self._moved: dict[int, np.ndarray]  # the same of single tracks
        targets = draft_targets(find_pictures(dataset_dir))
        self.pictures: list[Picture] = []
        for number, one in enumerate(map_in_threads(self._opened, targets), 1):
            progress("looking", number, len(targets))
            if isinstance(one, str):
                self.problems.append(one)
                continue
            self._see(*one)
            self.pictures.append(one[0])
        if not self.pictures:
            raise ValueError(f"{dataset_dir}: none of its pictures can be labelled: {self.problems[0]}")
        own, order = dataset_dir / "labels.txt", dataset_dir / ORDER
        self._labels = read_labels(own) if own.is_file() else []
        listed = order.read_text("utf-8", "replace").splitlines() if order.is_file() else []
        place = {name: number for number, name in enumerate(listed)}
        self._useful = sorted(self.pictures, key=lambda one: place.get(one.name, len(place)))
        self._group()

    @staticmethod
    def _opened(target: DraftTarget) -> tuple[Picture, list[np.ndarray]] | str:
        """A picture, and its heads as `nets.likeness` wants to see them; or why it is left out."""
        try:
            picture = Picture(target.picture, target.name, target.xml)
            return picture, read_marks(picture)
        except ValueError as error:
            return f"{target.name}: {error}"

    def _see(self, picture: Picture, looks: list[np.ndarray]) -> None:
        new = [head for head in picture.heads if head.vector is None]
        for head, vector in zip(new, self._likeness.vectors(looks), strict=True):
            head.vector = vector

    def _group(self) -> None:
        """Numbers the tracks of all heads, and groups those that nobody has named."""
        self._moved = {}  # is by number
        sources = sources_of([Path(one.name).with_suffix("").as_posix() for one in self.pictures])
        names = list(sources.values())
        follows = [False, *(before == now for before, now in pairwise(names))]
        heads = [(number, head) for number, one in enumerate(self.pictures) for head in one.heads]
        if not heads:
            return
        places = [number for number, _ in heads]
        boxes, vectors = (np.stack([getattr(head, what) for _, head in heads]) for what in ("box", "vector"))
        tracks = tracks_of(places, follows, boxes, vectors)
        for (_, head), track in zip(heads, tracks.tolist(), strict=True):
            head.track = track
        todo = [
            number
            for number, (place, head) in enumerate(heads)
            if not (head.named or head.not_names or self.pictures[place].done)
        ]
        groups = groups_of(tracks[todo], [places[number] for number in todo], vectors[todo])
        for number, group in zip(todo, groups.tolist(), strict=True):
            heads[number][1].group = group

    def ask(self, who: str) -> Question | None:
        """The next question for somebody; None where nothing is left that others have not got."""
        with self._lock:
            now = time.monotonic()
            taken, later = set[object](), self._later.get(who, set())
            for key, one in list(self._open.items()):
                if one.who == who:
                    del self._open[key]
                elif now - one.asked <= _LEASE:  # later it may still be answered, if nobody else did
                    taken.update(one.pictures)
            self.refresh()
            free = [one for one in self._useful if not (one.done or one in taken)]
            for put_off in (later, set[object]()):  # what was put off comes last
                question = self._group_for(who, free, put_off) or self._sheet_for(who, free, put_off)
                if question is not None:
                    self._open[question.key] = question
                    return question
            return None

    def _group_for(self, who: str, free: Sequence[Picture], put_off: set[object]) -> Question | None:
        groups: dict[int, list[tuple[Picture, Head]]] = {}
        for picture in free:
            for head in picture.heads:
                if head.group >= 0 and not head.named and head not in put_off:
                    groups.setdefault(head.group, []).append((picture, head))
        largest = max(groups.values(), key=len, default=[])
        if len(largest) < _LEAST:
            return None
        tracks: dict[int, list[Head]] = {}
        for _, head in largest:
            tracks.setdefault(head.track, []).append(head)
        shown = sorted(tracks.values(), key=len, reverse=True)[:CROPS]
        inside = {head for track in shown for head in track}
        pictures = [picture for picture, head in largest if head in inside]
        return Question(who, list(dict.fromkeys(pictures)), shown)

    def _sheet_for(self, who: str, free: Sequence[Picture], put_off: set[object]) -> Question | None:
        some = [one for one in free if one not in put_off][:SHEET]
        return Question(who, sorted(some, key=lambda one: one.name)) if some else None

    def put_off(self, who: str, key: str) -> None:
        """That question comes again after all others."""
        with self._lock:
            question = self._question(who, key)
            some = [head for track in question.tracks for head in track] or question.pictures
            self._later.setdefault(who, set()).update(some)
            del self._open[key]

    def name_group(self, who: str, key: str, name: str, apart: Iterable[int]) -> Outcome:
        """Gives the heads of a group a name, but for those of some tracks; "" says that they are nobody's.

        Raises:
            ValueError: an unknown question, or a track that it does not have.
        """

        def change(question: Question) -> None:
            others = {*apart}
            if not question.tracks or not others <= {*range(len(question.tracks))}:
                raise ValueError(
                    f"the question has {len(question.tracks)} tracks, not those of {sorted(others)}"
                )
            gone = set()
            for number, track in enumerate(question.tracks):
                for head in track:
                    if number in others:
                        head.group, head.not_names = -1, head.not_names | {name}
                    elif name:
                        head.name, head.named = name, True
                    else:
                        gone.add(head)
            for picture in question.pictures:
                picture.heads = [head for head in picture.heads if head not in gone]

        return self._answer(who, key, change, done=False)

    def confirm(self, who: str, key: str, sheet: Sequence[Sequence[Head]]) -> Outcome:
        """Says of the pictures of a sheet, in their order, who is in them; heads without a name are nobody's.

        Raises:
            ValueError: an unknown question, or another number of pictures.
        """

        def change(question: Question) -> None:
            if question.tracks or len(sheet) != len(question.pictures):
                raise ValueError(
                    f"the question has {len(question.pictures)} pictures, the answer {len(sheet)}"
                )
            for picture, heads in zip(question.pictures, sheet, strict=True):
                self._compare(picture, heads)
                picture.heads = [head for head in heads if head.name]

        return self._answer(who, key, change, done=True)

    def _compare(self, picture: Picture, heads: Sequence[Head]) -> None:
        """Takes over what is known of an answer's boxes, and learns how a person moves boxes: as codes."""
        from boxes.geometry import encode, iou

        if not (heads and picture.heads):
            return
        overlaps = np.asarray(iou(np.stack([one.box for one in heads]), self.boxes_of(picture)))
        for head, overlap in zip(heads, overlaps, strict=True):
            before = picture.heads[int(overlap.argmax())]
            if overlap.max() >= _MOVED[0]:
                head.track = before.track
            if overlap.max() >= _MOVED[1]:
                head.vector = before.vector
            elif overlap.max() >= _MOVED[0]:
                code = np.asarray(encode(head.box[None], before.box[None]))[0]
                self._moved[before.track] = code
                self._style = self._style + _LEARNT * (code - self._style)

    def boxes_of(self, picture: Picture) -> np.ndarray:
        """The boxes of a picture's heads as the person would draw them, corners [N, 4].

        As that person's were moved in a neighbouring picture, or as boxes were moved lately.
        """
        from boxes.geometry import clip, decode

        boxes = np.array([head.box for head in picture.heads], np.float32).reshape(-1, 4)
        if picture.done:
            return boxes
        codes = [self._moved.get(head.track, self._style) for head in picture.heads]
        return np.asarray(clip(decode(np.array(codes, np.float32).reshape(-1, 4), boxes)))

    def _answer(self, who: str, key: str, change: Callable[[Question], None], *, done: bool) -> Outcome:
        """Changes the pictures of a question and writes them; an answer that comes again does nothing."""
        with self._lock:
            if key in self._answered:
                return self._answered[key]
            question = self._question(who, key)
            # Who wrote a picture meanwhile knew better: it stays, and is asked for again.
            changed = [one for one in question.pictures if not one.is_as(question.stamps[one])]
            change(question)
            written = []
            try:
                for picture in question.pictures:
                    if picture not in changed:
                        written.append((picture, picture.stamp))
                        write_marks(picture, done=done)
            finally:  # what is on the disk counts, also where it is full
                for picture in question.pictures:
                    self._reload(picture)
            undo = self._undo.setdefault(who, [])
            undo.append(written)
            del undo[:-_MOST_UNDO], self._open[key]
            self._took[question.kind] = [*self._took[question.kind][-49:], time.monotonic() - question.asked]
            self._names = None
            self._answered[key] = Outcome(len(written), tuple(one.name for one in changed))
            return self._answered[key]

    def undo(self, who: str) -> Outcome:
        """Takes somebody's last answer back, where nobody has changed the pictures since."""
        with self._lock:
            if not self._undo.get(who):
                raise ValueError("there is nothing to take back")
            written = self._undo[who].pop()
            changed = tuple(picture.name for picture, before in written if not take_back(picture, before))
            for picture, _ in written:
                self._reload(picture)
            self._names = None
            return Outcome(len(written) - len(changed), changed)

    def refresh(self) -> None:
        """Reads pictures again whose XML LabelImg, or a program that makes better drafts, has written."""
        with self._lock:
            touched = [picture for picture in self.pictures if picture.touched()]
            for picture in touched:
                self._reload(picture)
            if touched:
                self._group()

    def _reload(self, picture: Picture) -> None:
        try:
            self._see(picture, read_marks(picture))
        except ValueError as error:
            picture.done = True  # nothing is asked of it, or written to it
            self.problems.append(f"{picture.name}: {error}")
        self._names = None

    def question(self, who: str, key: str) -> Question | None:
        """A question that is open; None where it was answered already, ValueError where it is not his."""
        return None if key in self._answered else self._question(who, key)

    def _question(self, who: str, key: str) -> Question:
        question = self._open.get(key)
        if question is None or question.who != who:
            raise ValueError("this question is not open any more: it was answered, or given to somebody else")
        return question

    @property
    def names(self) -> list[str]:
        """Every name: of labels.txt, and those given since."""
        with self._lock:
            said = {head.name for one in self.pictures for head in one.heads if head.named}
            return [*self._labels, *sorted(said - {*self._labels})]

    def likely(self, heads: Sequence[Head]) -> list[tuple[str, float]]:
        """Who some heads of one person may be, likeliest first; "" where it is nobody with a name."""
        with self._lock:
            vectors = np.stack([head.vector for head in heads if head.vector is not None])
            mean = vectors.mean(0, keepdims=True) / np.linalg.norm(vectors.mean(0))
            not_names = frozenset().union(*(head.not_names for head in heads))
            said = {head.name for head in heads} - {""}
            if (names := self._known()) is None:
                return [(name, 1.0) for name in sorted(said)]
            said_of = names.probabilities(mean, self._likeness.of_anybody(mean))[0].tolist()
            chances = dict(zip(("", *names.names), said_of, strict=True))
            # A detector that named them knows more than a few examples.
            chances |= {name: 1.0 + chances.get(name, 0.0) for name in said}
            return sorted(
                ((name, chance) for name, chance in chances.items() if name not in not_names),
                key=lambda one: -one[1],
            )

    def _known(self) -> Names | None:
        """Examples of every name that a person gave; None as long as it is one name."""
        if self._names is None:
            given: dict[str, list[np.ndarray]] = {}
            for head in (head for one in self.pictures for head in one.heads):
                if head.named and head.vector is not None:
                    given.setdefault(head.name, []).append(head.vector)
            if len(given) < 2:
                return None
            examples = {}
            for name, some in given.items():
                spread = np.stack(some[:: -(-len(some) // MOST)])
                examples[name] = spread, np.zeros((len(spread), 4))
            self._names = names_with(None, examples, self._likeness)
        return self._names

    def progress(self) -> dict[str, float]:
        """How much is done: pictures, those that are right, heads, those with a name, minutes left."""
        with self._lock:
            open_ones = [one for one in self.pictures if not one.done]
            groups = {
                head.group for one in open_ones for head in one.heads if head.group >= 0 and not head.named
            }
            left = {"group": len(groups), "sheet": -(-len(open_ones) // SHEET)}
            usual = {
                kind: float(np.median(took)) if took else _SECONDS[kind] for kind, took in self._took.items()
            }
            heads = [head for one in self.pictures for head in one.heads]
            return {
                "pictures": len(self.pictures),
                "done": len(self.pictures) - len(open_ones),
                "heads": len(heads),
                "named": sum(head.named for head in heads),
                "minutes": sum(usual[kind] * count for kind, count in left.items()) / 60,
            }
