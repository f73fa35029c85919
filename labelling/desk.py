"""What a person is asked on the page for labelling, and what becomes of the answers: LabelImg's XML, at once.

First groups of heads that look like one person get a name, then sheets of pictures are said to be right. A
picture of which some heads have names stays a draft, which conversion leaves out and no new draft replaces;
one that was said to be right is as LabelImg saves it after its space key. LabelImg may be used in turns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.labels import read_labels
from datasets.sources import sources_of
from files.parallel import map_in_threads
from labelling.drafts import OFFERS, ORDER, DraftTarget, alone_with, draft_targets, find_pictures, may_write
from labelling.groups import groups_of, tracks_of
from labelling.guesses import Style, known_names, likely, read_detections, with_offers
from labelling.marks import Head, Memory, Picture, read_marks, take_back, write_marks, written_at
from labelling.questions import Outcome, Question
from terminal.bars import Progress, silent

if TYPE_CHECKING:  # importing it would start Keras before its remarks can be held back
    from boxes.detections import Detections
    from nets.likeness import Likeness, Names

# Pictures of a sheet, tracks of a group that are shown, names to choose from: what a screen shows at once.
SHEET, CROPS, CHOICES = 12, 48, 5
_LEAST = 3  # heads of a group; of 3 and 5 a drawn film of 24 minutes took 256 keys, 49.9 and 49.3 minutes
# More are asked for as long as the last ones, of so many keys and clicks at least, named so many heads for
# each. A film of 24 minutes and One Piece took 314, 857 keys; without an end 314, 879; with 10 333, 857.
_LAST, _TRIED, _PAYS = 3, 12, 5.0
_MOST_UNDO = 200
_SHOWN = 0.7  # chance of a name from which on it is shown; minutes with 0.5 to 0.75: docs/labelling.md
_SECONDS = {"group": 6.0, "sheet": 12.0}  # for one question, a guess until some were answered


class Desk:
    """Asks one person or several, and writes what they say. Its methods may be called from any thread."""

    def __init__(self, dataset_dir: Path, likeness: Likeness, progress: Progress = silent):
        """Reads a data set with its drafts and looks at every head in it.

        ValueError where there is no folder, no picture that can be read, or two would share an annotation.
        """
        self._dataset_dir, self._likeness, self._lock = dataset_dir, likeness, threading.RLock()
        self._memory = Memory(dataset_dir, likeness)
        self.learning: Callable[[], dict[str, Any]] = dict  # what a detector that learns meanwhile says
        self.problems: list[str] = []  # pictures that are left out, a sentence each
        self._open: dict[str, Question] = {}
        self._later: dict[str, set[object]] = {}  # heads and pictures that a person put off
        self._undo: dict[str, list[list[tuple[Picture, bytes | None]]]] = {}
        self._answered: dict[str, Outcome] = {}
        self._took: dict[str, list[float]] = {"group": [], "sheet": []}
        self._names: Names | None = None
        self._style = Style()
        self._brought: list[tuple[int, int]] = []  # by each group: heads, and keys and clicks
        targets = draft_targets(find_pictures(dataset_dir))
        self.pictures: list[Picture] = []
        for number, one in enumerate(map_in_threads(self._opened, targets), 1):
            progress("looking", number, len(targets))
            if isinstance(one, str):
                self.problems.append(one)
                continue
            self._see(*one)
            self.pictures.append(one[0])
        self._memory.keep()
        if not self.pictures:
            raise ValueError(f"{dataset_dir}: none of its pictures can be labelled: {self.problems[0]}")
        own = dataset_dir / "labels.txt"
        self._labels = read_labels(own) if own.is_file() else []
        self._offers: dict[str, Detections] = {}
        self._offered: tuple[int, int] | None = None  # when that was written, and its size
        self._take_order()
        self._group()
        self._take_offers()

    @staticmethod
    def _opened(target: DraftTarget) -> tuple[Picture, list[np.ndarray]] | str:
        """A picture, and its heads as `nets.likeness` wants to see them; or why it is left out."""
        try:
            picture = Picture(target.picture, target.name, target.xml)
            return picture, read_marks(picture)
        except ValueError as error:
            return f"{target.name}: {error}"

    def _see(self, picture: Picture, looks: list[np.ndarray]) -> None:
        new = [head for head in picture.heads if head.unseen]
        for head, vector in zip(new, self._memory.vectors(looks), strict=True):
            head.vector = vector

    def _take_order(self) -> None:
        """The pictures, most useful first, as the order in the data set has them."""
        order = self._dataset_dir / ORDER
        listed = order.read_text("utf-8", "replace").splitlines() if order.is_file() else []
        place = {name: number for number, name in enumerate(listed)}
        self._useful = sorted(self.pictures, key=lambda one: place.get(one.name, len(place)))

    def _take_offers(self) -> None:
        """What a detector sees, where tools.preannotate has written it anew."""
        path = self._dataset_dir / OFFERS
        if (now := written_at(path)) == self._offered:
            return
        self._offered = now
        try:
            self._offers = read_detections(path) if now else {}
            self._take_order()
        except ValueError as error:
            self.problems.append(f"{OFFERS}: {error}")

    def _group(self) -> None:
        """Numbers the tracks of all heads, and groups those that nobody has named."""
        from nets.likeness import NUMBERS  # it starts Keras

        self._style.of_track = {}  # is by number
        sources = sources_of([Path(one.name).with_suffix("").as_posix() for one in self.pictures])
        names = list(sources.values())
        follows = [False, *(before == now for before, now in pairwise(names))]
        every = ((number, head) for number, one in enumerate(self.pictures) for head in one.heads)
        heads = [(number, head) for number, head in every if head.vector is not None]
        if not heads:
            return
        places = [number for number, _ in heads]
        boxes, vectors = (np.stack([getattr(head, what) for _, head in heads]) for what in ("box", "vector"))
        vectors = vectors[:, :NUMBERS]
        tracks = tracks_of(places, follows, boxes, vectors)
        for (_, head), track in zip(heads, tracks.tolist(), strict=True):
            head.track = track
        todo = [
            number
            for number, (place, head) in enumerate(heads)
            if not (head.name or head.not_names or self.pictures[place].done)
        ]
        groups = groups_of(tracks[todo], [places[number] for number in todo], vectors[todo])
        for number, group in zip(todo, groups.tolist(), strict=True):
            heads[number][1].group = group

    def ask(self, who: str) -> Question | None:
        """The next question for somebody; None where nothing is left that others have not got."""
        with self._lock:
            taken, later = set[object](), self._later.get(who, set())
            for key, one in list(self._open.items()):
                if one.who == who:
                    del self._open[key]
                elif one.fresh:  # later it may still be answered, if nobody else did
                    taken.update(one.pictures)
            self.refresh()
            free = [one for one in self._useful if not (one.done or one in taken)]
            for put_off in (later, set[object]()):  # what was put off comes last
                question = self._group_for(who, free, put_off) or self._sheet_for(who, free, put_off)
                if question is not None:
                    self._open[question.key] = question
                    return question
            return None

    def _groups(self, free: Iterable[Picture], put_off: set[object]) -> list[list[tuple[Picture, Head]]]:
        """Heads to be asked for by groups, the largest first: not those whose likeliest name is shown."""
        groups: dict[int, list[tuple[Picture, Head]]] = {}
        for picture in free:
            if picture.name in self._offers:  # a detector knows more than likeness does
                continue
            for head in picture.heads:
                if head.group >= 0 and not head.named and head not in put_off:
                    groups.setdefault(head.group, []).append((picture, head))
        large = (some for some in groups.values() if len(some) >= _LEAST)
        unknown = (some for some in large if not self.guess(*(head for _, head in some)))
        return sorted(unknown, key=len, reverse=True)

    def _group_for(self, who: str, free: Sequence[Picture], put_off: set[object]) -> Question | None:
        groups = self._groups(free, put_off)
        brought, keys = map(sum, zip((0, 0), *self._brought[-_LAST:], strict=True))
        if not groups or (keys >= _TRIED and brought < _PAYS * keys):
            return None
        tracks: dict[int, list[Head]] = {}
        for _, head in groups[0]:
            tracks.setdefault(head.track, []).append(head)
        shown = sorted(tracks.values(), key=len, reverse=True)[:CROPS]
        inside = {head for track in shown for head in track}
        pictures = [picture for picture, head in groups[0] if head in inside]
        return Question(who, list(dict.fromkeys(pictures)), shown)

    def _sheet_for(self, who: str, free: Sequence[Picture], put_off: set[object]) -> Question | None:
        some = [one for one in free if one not in put_off][:SHEET]
        for picture in some:
            if picture.name in self._offers:
                picture.heads = with_offers(picture.heads, self._offers[picture.name])
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

        ValueError where the question is unknown, or has no such track.
        """

        def change(question: Question) -> None:
            others = {*apart}
            if not question.tracks or not others <= {*range(len(question.tracks))}:
                there = f"the question has {len(question.tracks)} tracks"
                raise ValueError(f"{there}, not those of {sorted(others)}")
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
            kept = [track for number, track in enumerate(question.tracks) if number not in others]
            self._brought.append((sum(map(len, kept)), 1 + len(others)))

        return self._answer(who, key, change, done=False)

    def confirm(self, who: str, key: str, sheet: Sequence[Sequence[Head]]) -> Outcome:
        """Says of the pictures of a sheet, in their order, who is in them; heads without a name are nobody's.

        ValueError where the question is unknown, or has another number of pictures.
        """

        def change(question: Question) -> None:
            if question.tracks or len(sheet) != len(question.pictures):
                there = f"the question has {len(question.pictures)} pictures"
                raise ValueError(f"{there}, the answer {len(sheet)}")
            for picture, heads in zip(question.pictures, sheet, strict=True):
                self._style.learn(picture.heads, self.boxes_of(picture), heads)
                picture.heads = [head for head in heads if head.name]

        return self._answer(who, key, change, done=True)

    def boxes_of(self, picture: Picture) -> np.ndarray:
        """The boxes of a picture's heads, corners [N, 4], as the person would draw them."""
        if picture.done:
            return np.array([head.box for head in picture.heads], np.float32).reshape(-1, 4)
        return self._style.boxes(picture.heads)

    def _answer(self, who: str, key: str, change: Callable[[Question], None], *, done: bool) -> Outcome:
        """Changes the pictures of a question and writes them; an answer that comes again does nothing."""
        with self._lock:
            if key in self._answered:
                return self._answered[key]
            question = self._question(who, key)
            same = {one for one in question.pictures if question.has_heads_of(one)}
            change(question)
            written, changed = [], []
            try:
                for picture in question.pictures:
                    with alone_with(picture.xml):
                        # Who wrote a picture meanwhile knew better: it stays, and is asked for again. But a
                        # program that drew a new draft did not know of the answer.
                        if picture in same and (picture.is_as(picture.stamp) or may_write(picture.xml)):
                            written.append((picture, picture.stamp))
                            write_marks(picture, done=done)
                        else:
                            changed.append(picture)
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
            asked = {picture for one in self._open.values() for picture in one.pictures if one.fresh}
            touched = [one for one in self.pictures if one.touched() and one not in asked]
            for picture in touched:
                self._reload(picture)
            if touched:
                self._group()
            self._take_offers()

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
            if self._names is None:
                self._names = known_names(self.pictures, self._likeness)
            return likely(heads, self._names, self._likeness, lambda: self.names)

    def guess(self, head: Head, *others: Head) -> str:
        """The name with which heads of one person are shown on sheets; "": nobody's, so that they vanish."""
        if head.named:
            return head.name
        said = [] if head.passed_over else self.likely([head, *others])
        name, chance = next((one for one in said if one[0]), ("", 0.0))
        return name if chance >= _SHOWN else ""

    def progress(self) -> dict[str, float]:
        """How much is done: pictures, those that are right, heads, those with a name, minutes left."""
        with self._lock:
            open_ones = [one for one in self.pictures if not one.done]
            left = {"group": len(self._groups(open_ones, set())), "sheet": -(-len(open_ones) // SHEET)}
            usual = {kind: float(np.median(took or [_SECONDS[kind]])) for kind, took in self._took.items()}
            heads = [head for one in self.pictures for head in one.heads]
            return {
                "pictures": len(self.pictures),
                "done": len(self.pictures) - len(open_ones),
                "heads": len(heads),
                "named": sum(head.named for head in heads),
                "minutes": sum(usual[kind] * count for kind, count in left.items()) / 60,
            }
