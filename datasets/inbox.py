"""The inbox: what visitors of the page reported, as pictures and LabelImg XML that wait for a person.

A folder with three folders in it, each of which LabelImg opens as it is:

pending/    KEY.jpg and KEY.xml (verified="no"), KEY.json with what the model had said
accepted/   KEY.json of those that went into a data set
rejected/   all three of those that did not

The XML appears last and under its name only when complete, so a report is there if and only if its XML is,
also after a crash at any point. The index (datasets/inbox_index.py) finds and counts; it can be made again
from the folder. Nothing here is read by a training: `tools/inbox.py` brings what a person confirmed into a
data set.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from datasets.folder import INBOX_MARK
from datasets.inbox_index import Entry, InboxIndex
from datasets.pictures import encode_jpeg
from datasets.voc import VocObject, touches_border, write_annotation
from files.writing import whole_file, write_bytes, write_json

PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"
# A picture without XML after so long is what a crash left of a report that was never confirmed to its sender.
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class ReportedBox:
    """One box as the visitor left it.

    Attributes:
        box: (xmin, ymin, xmax, ymax) in pixels, minimum counted from 1, inside the picture.
        name: who it is; None for "not a face".
        was: what the model had said; None for a box that the visitor drew.
    """

    box: tuple[int, int, int, int]
    name: str | None
    was: str | None


def report_key(image: np.ndarray, boxes: Sequence[ReportedBox]) -> tuple[str, str]:
    """(key of the report, digest of the picture): the same pixels with the same boxes are the same report."""
    height, width = image.shape[:2]
    picture = hashlib.sha256(
        f"{width}x{height} ".encode() + np.ascontiguousarray(image).tobytes()
    ).hexdigest()
    # What the model had said does not belong to it: another model's visitor may report the same.
    said = sorted(json.dumps([one.box, one.name], ensure_ascii=False) for one in boxes)
    return hashlib.sha256("\n".join([picture, *said]).encode()).hexdigest()[:32], picture


class Inbox:
    """Stores reports and moves them on."""

    def __init__(self, folder: Path, url: str = ""):
        """Open an inbox, and repair what a crash left.

        Args:
            folder: made if it does not exist.
            url: SQLAlchemy's URL of the index; default: SQLite, `index.sqlite` in the folder.

        Raises:
            ValueError: the index cannot be reached.
        """
        self.folder = folder.resolve()
        for name in (PENDING, ACCEPTED, REJECTED):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / INBOX_MARK).write_text('{"format": 1}\n', encoding="utf-8")  # no data set
        self.index = InboxIndex(url or f"sqlite:///{(self.folder / 'index.sqlite').as_posix()}")
        self._writing = threading.Lock()
        self._repair()

    def add(self, image: np.ndarray, boxes: Sequence[ReportedBox], *, model: str = "") -> tuple[str, bool]:
        """Store a report, on disk and in the index, before returning.

        Args:
            image: uint8 [H, W, 3] RGB.
            boxes: all boxes of the picture as the visitor left them.
            model: what had looked at the picture.

        Returns:
            Its key, and whether it is new.
        """
        key, picture = report_key(image, boxes)
        with self._writing:
            if self.index.get(key) is not None:
                return key, False
            entry = Entry(
                key=key,
                picture=picture,
                state=PENDING,
                received=time.time(),
                names=tuple(sorted({one.name for one in boxes if one.name})),
                corrections=sum(one.name != one.was for one in boxes),
            )
            self._write(key, image, boxes, entry, model)
            return key, self.index.add(entry)

    def path(self, key: str, suffix: str, state: str = PENDING) -> Path:
        """Where a file of a report is; a key is hexadecimal, never anything that a visitor typed."""
        if len(key) != 32 or set(key) - set("0123456789abcdef"):
            raise ValueError(
                f"{key!r} is not the key of a report; `python -m tools.inbox list` shows the keys"
            )
        return self.folder / state / f"{key}{suffix}"

    def reject(self, key: str) -> None:
        """Move a report to `rejected/`; nothing is deleted."""
        with self._writing:
            # The XML first: without it the rest is no report any more.
            for suffix in (".xml", ".json", ".jpg"):
                source = self.path(key, suffix)
                if source.exists():
                    source.replace(self.path(key, suffix, REJECTED))
            self.index.set_state(key, REJECTED)

    def mark_accepted(self, key: str) -> None:
        """After its picture and XML have gone into a data set."""
        with self._writing:
            source = self.path(key, ".json")
            if source.exists():
                source.replace(self.path(key, ".json", ACCEPTED))
            self.index.set_state(key, ACCEPTED)

    def _write(
        self, key: str, image: np.ndarray, boxes: Sequence[ReportedBox], entry: Entry, model: str
    ) -> None:
        height, width = image.shape[:2]
        objects = [
            VocObject(
                name=one.name,
                box=one.box,
                truncated=int(touches_border(one.box, width, height)),
            )
            for one in boxes
            if one.name is not None
        ]
        write_bytes(self.path(key, ".jpg"), encode_jpeg(image), durable=True)
        said = {**asdict(entry), "model": model, "boxes": [asdict(one) for one in boxes]}
        write_json(self.path(key, ".json"), said)
        picture = Path(PENDING, f"{key}.jpg")  # relative: the same wherever the inbox is
        with whole_file(self.path(key, ".xml"), durable=True) as xml:
            write_annotation(xml, picture, width, height, objects, verified=False)

    def _repair(self) -> None:
        """Bring folder and index together after a crash; the folder is right."""
        pending = self.folder / PENDING
        now = time.time()
        for path in pending.glob(".*.tmp"):
            if now - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
        known = self.index.states()
        for xml in sorted(pending.glob("*.xml")):
            if xml.stem not in known and (entry := _entry_of(xml)) is not None:
                self.index.add(entry)
        for path in pending.glob("*.jpg"):
            abandoned = not path.with_suffix(".xml").exists() and path.stem not in known
            if abandoned and now - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)


def _entry_of(xml: Path) -> Entry | None:
    """The index's row of a report, from the JSON beside its XML; None where that is not ours."""
    try:
        said = json.loads(xml.with_suffix(".json").read_text(encoding="utf-8"))
        return Entry(
            key=xml.stem,
            picture=str(said["picture"]),
            state=PENDING,
            received=float(said["received"]),
            names=tuple(map(str, said["names"])),
            corrections=int(said["corrections"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
