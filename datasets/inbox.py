"""The inbox: what visitors of the page reported, as pictures and LabelImg XML that wait for a person.

A folder with three folders in it, each of which LabelImg opens as it is:

pending/    KEY.jpg and KEY.xml (verified="no"), KEY.json with what the model had said
accepted/   KEY.json of those that went into a data set
rejected/   all three of those that did not

The folder is its own index: a key is the digest of what was reported, so the same report is the same file.
The XML appears last and under its name only when complete, so a report is there if and only if its XML is,
also after a crash at any point. Nothing here is read by a training: `tools/inbox.py` brings what a person
confirmed into a data set.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from datasets.folder import INBOX_MARK
from datasets.pictures import encode_picture
from datasets.voc import VocObject, touches_border, write_annotation
from files.writing import whole_file, write_bytes, write_json

PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"
# The file of a report that says in which state it is: there, it is in that folder's.
_MARKS = {PENDING: ".xml", ACCEPTED: ".json", REJECTED: ".xml"}
# A picture without XML after so long is what a crash left of a report that was never confirmed to its sender.
_ABANDONED_SECONDS = 3600


def default_inbox() -> Path:
    """Its folder when a command line does not say: ANIME_SSD_INBOX of the environment, else runs/inbox."""
    return Path(os.environ.get("ANIME_SSD_INBOX") or "runs/inbox")


@dataclass(frozen=True)
class ReportedBox:
    """One box as the visitor left it."""

    # (xmin, ymin, xmax, ymax) in pixels, minimum counted from 1, inside the picture
    box: tuple[int, int, int, int]
    name: str | None  # who it is; None for "not a face"
    was: str | None  # what the model had said; None for a box that the visitor drew


@dataclass(frozen=True)
class Report:
    key: str  # names its files
    picture: str  # digest of the picture's pixels: reports about one picture share it
    received: float  # when it came, seconds since 1970
    names: tuple[str, ...]  # in its boxes, each once
    corrections: int  # boxes in which the visitor differs from the model


class Inbox:
    """Stores reports and moves them on."""

    def __init__(self, folder: Path):
        """Open an inbox, made where there is none, and clear away what a crash left.

        What an index.sqlite in it says (kept until November 2026) is not needed.
        """
        self.folder = folder.resolve()
        for name in _MARKS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / INBOX_MARK).write_text('{"format": 1}\n', encoding="utf-8")  # no data set
        self._writing = threading.Lock()
        self._clear_abandoned()

    def add(self, image: np.ndarray, boxes: Sequence[ReportedBox], model: str = "") -> tuple[str, bool]:
        """Store a report, on the disk before returning; give its key, and whether it is new.

        The same pixels with the same boxes are the same report.

        Args:
            image: uint8 [H, W, 3] RGB.
            boxes: all boxes of the picture as the visitor left them.
            model: what had looked at the picture.

        Raises:
            OSError: the disk is full or away; the report is not kept then.
        """
        size = "{1}x{0} ".format(*image.shape).encode()
        picture = hashlib.sha256(size + np.ascontiguousarray(image).tobytes()).hexdigest()
        # What the model had said does not count: another model's visitor may report the same.
        same = sorted(json.dumps([one.box, one.name], ensure_ascii=False) for one in boxes)
        key = hashlib.sha256("\n".join([picture, *same]).encode()).hexdigest()[:32]
        with self._writing:
            if any(self.path(key, suffix, state).exists() for state, suffix in _MARKS.items()):
                return key, False
            names = tuple(sorted({one.name for one in boxes if one.name}))
            corrections = sum(one.name != one.was for one in boxes)
            report = Report(key, picture, time.time(), names, corrections)
            said = {**asdict(report), "model": model, "boxes": [asdict(one) for one in boxes]}
            write_bytes(self.path(key, ".jpg"), encode_picture(image), durable=True)
            write_json(self.path(key, ".json"), said)
            height, width = image.shape[:2]
            objects = [
                VocObject(one.name, one.box, int(touches_border(one.box, width, height)))
                for one in boxes
                if one.name is not None
            ]
            shown = Path(PENDING, f"{key}.jpg")  # relative: the same wherever the inbox is
            with whole_file(self.path(key, ".xml"), durable=True) as xml:
                write_annotation(xml, shown, width, height, objects, verified=False)
        return key, True

    def reports(self, state: str = PENDING) -> list[Report]:
        """All reports in a state, oldest first."""
        keys = [path.stem for path in (self.folder / state).glob(f"*{_MARKS[state]}")]
        found = [report for key in keys if (report := self._read(key)) is not None]
        return sorted(found, key=lambda report: (report.received, report.key))

    def path(self, key: str, suffix: str, state: str = PENDING) -> Path:
        """Where a file of a report is; a key is hexadecimal, never anything that a visitor typed."""
        if len(key) != 32 or set(key) - set("0123456789abcdef"):
            cure = "`python -m tools.inbox list` shows the keys"
            raise ValueError(f"{key!r} is not the key of a report; {cure}")
        return self.folder / state / f"{key}{suffix}"

    def reject(self, key: str) -> None:
        """Move a pending report to `rejected/`; nothing is deleted."""
        for suffix in (".jpg", ".json", ".xml"):  # the XML last: until then it is pending
            self._move(key, suffix, REJECTED)

    def mark_accepted(self, key: str) -> None:
        """After its picture and XML have gone into a data set: only what the model had said stays."""
        self._move(key, ".json", ACCEPTED)
        for suffix in (".xml", ".jpg"):
            self.path(key, suffix).unlink(missing_ok=True)

    def _move(self, key: str, suffix: str, state: str) -> None:
        if (source := self.path(key, suffix)).exists():
            source.replace(self.path(key, suffix, state))

    def _read(self, key: str) -> Report | None:
        """A report from its JSON, in whichever folder a crash left it; None where there is none of ours."""
        for state in _MARKS:
            try:
                said = json.loads(self.path(key, ".json", state).read_text(encoding="utf-8"))
                names, picture = tuple(map(str, said["names"])), str(said["picture"])
                return Report(key, picture, float(said["received"]), names, int(said["corrections"]))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return None

    def _clear_abandoned(self) -> None:
        """Delete halves of reports that were never complete."""
        pending, long_ago = self.folder / PENDING, time.time() - _ABANDONED_SECONDS
        halves = [path for path in pending.glob("*.jpg") if not path.with_suffix(".xml").exists()]
        for path in [*pending.glob(".*.tmp"), *halves]:
            if path.stat().st_mtime < long_ago:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
