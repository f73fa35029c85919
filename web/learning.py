"""The detector that learns beside the page for labelling, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labelling.rounds import expected_gain, read_rounds, rounds_of

# Labelled pictures that begin the first round, and how many times as many begin the next; not varied.
_FIRST, _AGAIN = 30, 1.3
_MORE = 40  # pictures, for which the page says what they would bring
_LOOK = 5.0  # seconds
_LOG = "training.log"


class Learner:
    """Runs tools.train_drafts whenever enough has been labelled since it ran."""

    def __init__(self, dataset_dir: Path, labelled: Callable[[], int], command: tuple[str, ...] = ()):
        """`labelled` says how many pictures are; `command` is what is run, and not given but by tests."""
        self._folder, self._labelled = rounds_of(dataset_dir), labelled
        self._command = command or (
            sys.executable, "-m", "tools.train_drafts", f"--dataset_dir={dataset_dir.resolve()}",
        )  # fmt: skip
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
        rounds = read_rounds(self._folder)
        return max(_FIRST, self._failed + 1, int(_AGAIN * rounds[-1].pictures) if rounds else 0)

    def _work(self) -> None:
        while not self._stopped.wait(_LOOK):
            if (labelled := self._labelled()) >= self._next:
                self._failed = 0 if self._round() else labelled

    def _round(self) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOG).open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=Path(__file__).parents[1], start_new_session=True
            )
            while self._process.poll() is None:
                if self._stopped.wait(0.2):
                    os.killpg(self._process.pid, signal.SIGKILL)  # a round is begun anew
                    self._process.wait()
        done, self._process = self._process.returncode == 0, None
        return done

    def says(self) -> dict[str, Any]:
        """What the page shows of it."""
        rounds, said = read_rounds(self._folder), dict[str, Any]()
        said |= {"busy": self._process is not None, "next": self._next, "failed": bool(self._failed)}
        said["log"] = str(self._folder / _LOG)
        if rounds:
            last, gains = rounds[-1], expected_gain(rounds, _MORE)
            said |= {
                "pictures": last.pictures,
                "map": last.map_voc07,
                "interval": last.interval,
                "more": _MORE,
            }
            said["gain"] = gains.pop("", None)
            best = max(gains, key=lambda name: gains[name][0], default=None)
            said["best"] = best and [best, *gains[best]]
        return said
