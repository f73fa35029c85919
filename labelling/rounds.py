"""Rounds of labelling and training: when they begin, what each brought, what more labels would bring."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from files.reading import read_json
from files.writing import write_json

ROUNDS = "rounds.json"
# Labelled pictures that begin the first round, and how many times as many begin the next; not varied.
_FIRST, _AGAIN = 30, 1.3
_LOOK = 5.0  # seconds
# Runs a command in the shell's place, and kills it and all that it started when nobody holds the other end of
# its standard input any more: a page that is killed takes its round along.
_WHILE_READ = 'exec 3<&0 </dev/null; (cat <&3; kill -9 0) >/dev/null & exec 3<&-; exec "$@"'
_LOG = "training.log"
MORE = 40  # pictures, for which is said what they would bring
_CURE = "delete it: only what earlier rounds brought is lost"


@dataclass(frozen=True)
class OfName:
    """How well a name is known after a round."""

    boxes: int  # trained on
    ap: float  # on the validation pictures, VOC 2007
    spread: float  # standard deviation of that by the luck of these pictures


@dataclass(frozen=True)
class Round:
    """A training on what was labelled until then."""

    pictures: int  # labelled, trained on or not
    map_voc07: float
    interval: tuple[float, float]  # of 95 of 100 draws of validation pictures
    names: dict[str, OfName]


def rounds_of(dataset_dir: Path) -> Path:
    """Where rounds of a data set are kept: a folder beside it."""
    whole = dataset_dir.resolve()
    return whole.with_name(f"{whole.name}_rounds")


def round_of(report: Path, records: Path, pictures: int) -> Round:
    """A round from the report.json of its evaluation and the dataset.json that it was trained on.

    ValueError where one of them is damaged, or there was nothing to measure by.
    """
    said, split = read_json(report, "evaluate again"), read_json(records, "convert again")["splits"]["train"]
    if said["map_voc07"] is None:
        raise ValueError(f"{report}: the validation pictures show nobody; label some more pictures")
    names = {}
    for name, ap in said["ap_voc07"].items():
        low, high = said["ap_voc07_interval"].get(name) or (0.0, 1.0)
        boxes = split["names"].get(name, {"boxes": 0})["boxes"]
        if ap is not None and boxes:
            names[name] = OfName(boxes, ap, (high - low) / 3.92)
    return Round(pictures, said["map_voc07"], tuple(said["map_voc07_interval"]), names)


def read_rounds(folder: Path) -> list[Round]:
    """The rounds of a folder, in their order; ValueError where their file is damaged."""
    path = folder / ROUNDS
    if not path.is_file():
        return []
    said = read_json(path, _CURE)
    try:
        return [_read(one) for one in said["rounds"]]
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"{path}: these are no rounds ({error!r}); {_CURE}") from None


def _read(one: Any) -> Round:
    names = {name: OfName(int(of["boxes"]), of["ap"], of["spread"]) for name, of in one["names"].items()}
    low, high = one["interval"]
    numbers = [low, high, one["map_voc07"], *(x for of in names.values() for x in (of.ap, of.spread))]
    if not np.isfinite(np.array(numbers, float)).all() or any(of.boxes < 1 for of in names.values()):
        raise ValueError("a number out of range")
    return Round(int(one["pictures"]), one["map_voc07"], (low, high), names)


def add_round(folder: Path, new: Round) -> None:
    """Adds a round to those of a folder; one of as many pictures is replaced."""
    rounds = [one for one in read_rounds(folder) if one.pictures != new.pictures]
    write_json(folder / ROUNDS, {"rounds": [asdict(one) for one in [*rounds, new]]})


def expected_gain(rounds: Sequence[Round], more: int) -> dict[str, tuple[float, float]]:
    """What so many more labelled pictures would add to the mAP, and its standard deviation.

    Average precisions rise about as the logarithm of a name's boxes does (One Piece, docs/labelling.md: 0.09
    from 50 to 100 pictures, 0.155 from 100 to 385): one slope for all names, each with a level of its own, by
    weighted least squares. How far validation pictures decide is in the deviations, luck in training is not.

    Returns:
        By name where all of them show that name, and for "" where they are as those before; nothing where
        there is but one round.
    """
    rows = [(name, one) for some in rounds for name, one in some.names.items()]
    named = sorted({name for name, _ in rows})
    if len(rounds) < 2 or not named:
        return {}
    design = np.array([[np.log(one.boxes), *(name == other for other in named)] for name, one in rows], float)
    weight = 1 / np.array([max(one.spread, 0.01) for _, one in rows])
    if np.linalg.matrix_rank(design) < design.shape[1]:  # no name has other numbers of boxes than before
        return {}
    scaled = design * weight[:, None]
    covariance = np.linalg.inv(scaled.T @ scaled)
    slope = float((covariance @ scaled.T @ (weight * [one.ap for _, one in rows]))[0])
    deviation, last = float(np.sqrt(covariance[0, 0])), rounds[-1]
    factors = {"": np.log1p(more / last.pictures)}
    for name, one in last.names.items():
        factors[name] = np.log1p(more / one.boxes) / len(last.names)
    return {name: (slope * float(factor), deviation * float(factor)) for name, factor in factors.items()}


class Learner:
    """Runs tools.train_drafts whenever enough has been labelled since it ran."""

    def __init__(self, dataset_dir: Path, labelled: Callable[[], int], command: tuple[str, ...] = ()):
        """`labelled` says how many pictures are; `command` is what is run, and not given but by tests."""
        self._folder, self._labelled = rounds_of(dataset_dir), labelled
        data = f"--dataset_dir={dataset_dir.resolve()}"
        self._command = command or (sys.executable, "-m", "tools.train_drafts", data)
        self._stopped, self._process = threading.Event(), None
        self._failed = 0  # pictures that were labelled when a round failed: it waits for more
        self._thread = threading.Thread(target=self._work, name="learner")

    def __enter__(self) -> Learner:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def _next(self) -> int:
        """How many labelled pictures begin the next round."""
        rounds = self._rounds()
        return max(_FIRST, self._failed + 1, int(_AGAIN * rounds[-1].pictures) if rounds else 0)

    def _rounds(self) -> list[Round]:
        try:
            return read_rounds(self._folder)
        except ValueError:  # a round that fails on it says so; nobody who labels is kept from it
            return []

    def _work(self) -> None:
        while not self._stopped.wait(_LOOK):
            if (labelled := self._labelled()) < self._next:
                continue
            try:
                self._failed = 0 if self._round() else labelled
            except OSError:  # a full disk, say
                self._failed = labelled

    def _round(self) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOG).open("wb") as log:
            command, top = ("sh", "-c", _WHILE_READ, "sh", *self._command), Path(__file__).parents[1]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=top, start_new_session=True
            )
            with self._process:
                while self._process.poll() is None:
                    if self._stopped.wait(0.2):
                        os.killpg(self._process.pid, signal.SIGKILL)  # a round is begun anew
                        self._process.wait()
        done, self._process = not self._process.returncode, None
        return done

    def says(self) -> dict[str, Any]:
        """What the page shows of it."""
        rounds, said = self._rounds(), dict[str, Any]()
        said |= {"busy": self._process is not None, "next": self._next, "failed": bool(self._failed)}
        said["log"] = str(self._folder / _LOG)
        if rounds:
            last, gains = rounds[-1], expected_gain(rounds, MORE)
            said |= {"pictures": last.pictures, "map": last.map_voc07, "interval": last.interval}
            said |= {"more": MORE, "gain": gains.pop("", None)}
            best = max(gains, key=lambda name: gains[name][0], default=None)
            said["best"] = best and [best, *gains[best]]
        return said
