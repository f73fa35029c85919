"""What visitors of the page reported: look at it, accept it into a data set, or reject it.

    python -m tools.inbox list
    python -m tools.inbox open [KEY]
    python -m tools.inbox accept KEY... --dataset_dir=my_set
    python -m tools.inbox accept --verified --dataset_dir=my_set
    python -m tools.inbox reject KEY...

A report waits as a picture and LabelImg XML with verified="no". `open` shows it in LabelImg, where boxes and
names can be corrected; the space key there confirms a picture, and `accept --verified` takes all that are
confirmed so. `accept KEY` confirms by itself. Accepted pictures stand in the data set with verified="yes".
Beginnings of keys suffice.

Exit status: 0; 1 for a mistake, with one line that says which; 2 for wrong flags.
"""

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from tyro.conf import Positional

from datasets.folder import find_files, growing_dirs
from datasets.inbox import PENDING, REJECTED, Inbox, Report, default_inbox
from datasets.kinds import need_folder
from datasets.pictures import read_picture
from datasets.voc import read_xml, repair_objects, said_in, voc_objects, write_annotation
from files.writing import whole_file, write_text
from labelling.foreign import text_of
from terminal.bars import show_table
from terminal.command import command
from tools import labelimg

_KEYS = tyro.conf.arg(metavar="KEY...", help="Of reports, or their beginnings.")
_Keys = Positional[Annotated[tuple[str, ...], _KEYS]]


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which inbox."""

    #: Its folder, as given to `python -m web`, or in the environment variable ANIME_SSD_INBOX.
    inbox: Path = field(default_factory=default_inbox)


@dataclass(frozen=True)
class List(Where):
    """Show the reports."""

    state: Literal["pending", "accepted", "rejected"] = PENDING

    def run(self, inbox: Inbox) -> None:
        reports = inbox.reports(self.state)
        if not reports:
            print(f"No {self.state} reports in {inbox.folder}.")
            return
        rows = []
        for report in reports:
            twins = [one.key[:8] for one in reports if one.picture == report.picture and one != report]
            received = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.received))
            names = ", ".join(report.names) or "(nobody)"
            confirmed = "yes" if self.state == PENDING and _confirmed(inbox, report) else ""
            rows.append((report.key[:8], received, names, report.corrections, confirmed, ", ".join(twins)))
        headings = ("key", "received", "names", "corrections", "confirmed", "same picture")
        show_table(Console(), headings, rows)


@dataclass(frozen=True)
class Open(Where):
    """Look at pending reports in LabelImg."""

    key: Positional[str] = ""  #: Of the report to begin with, or the beginning of its key.

    def run(self, inbox: Inbox) -> None:
        if not inbox.reports():
            raise ValueError("no report is pending")
        with tempfile.TemporaryDirectory() as folder:
            order = Path(folder, "order.txt")
            order.write_text(f"{find(inbox, self.key).key}.jpg\n" if self.key else "", encoding="utf-8")
            options = labelimg.Options(dataset_dir=inbox.folder / PENDING, order_path=order)
            labelimg.open_labelimg(labelimg.plan_session(options))


@dataclass(frozen=True)
class Accept(Where):
    """Confirm reports and bring them into a data set."""

    #: The data set: Annotations/ and JPEGImages/, or one folder; made if it does not exist.
    dataset_dir: Path
    keys: _Keys = ()
    verified: bool = False  #: All that were confirmed with the space key in LabelImg.

    def run(self, inbox: Inbox) -> None:
        reports = [find(inbox, beginning) for beginning in self.keys]
        if self.verified:
            reports += [report for report in inbox.reports() if _confirmed(inbox, report)]
        if not reports:
            raise ValueError("nothing to accept: give keys, or --verified for what the space key confirmed")
        for report in dict.fromkeys(reports):
            print(f"{report.key[:8]} accepted: {accept(inbox, report, self.dataset_dir)}")


@dataclass(frozen=True)
class Reject(Where):
    """Set reports aside: nothing is deleted."""

    keys: _Keys

    def run(self, inbox: Inbox) -> None:
        for report in [find(inbox, beginning) for beginning in self.keys]:
            inbox.reject(report.key)
            print(f"{report.key[:8]} rejected; its files are in {inbox.folder / REJECTED}")


def find(inbox: Inbox, beginning: str) -> Report:
    """The one pending report whose key begins so; ValueError where there is none, or more than one."""
    found = [report for report in inbox.reports() if report.key.startswith(beginning)]
    if len(found) != 1:
        how = f"{len(found)} pending reports have" if found else "no pending report has"
        cure = "`python -m tools.inbox list` shows the keys"
        raise ValueError(f"{how} a key that begins with {beginning!r}; {cure}")
    return found[0]


def accept(inbox: Inbox, report: Report, dataset_dir: Path) -> Path:
    """Bring a pending report into a data set, confirmed, and give its XML there.

    The picture's stem is `visitorDIGEST_000000`, a source of its own, so that one picture that was reported
    twice is found to be there already. Where the data set has lists of splits, it goes into train.txt.
    ValueError where the data set has the picture, or the XML is unusable; nothing has changed then.
    """
    key, picture = report.key, inbox.path(report.key, ".jpg")
    height, width = read_picture(picture).shape[:2]
    raw = read_xml(inbox.path(key, ".xml"))
    repaired, problems = repair_objects(raw.objects, (width, height), f"{key}.xml")
    if problems:
        cure = f"correct it with: python -m tools.inbox open {key[:8]}"
        raise ValueError(f"report {key}: {problems[0].kind} ({problems[0].detail}); {cure}")
    pictures, xmls = growing_dirs(dataset_dir)
    if dataset_dir.is_dir() and any(dataset_dir.iterdir()) and not pictures.is_dir():
        pictures = xmls = dataset_dir
    for folder in (pictures, xmls):
        folder.mkdir(parents=True, exist_ok=True)
    stem = f"visitor{report.picture[:12]}_000000"
    target, xml = pictures / f"{stem}.jpg", xmls / f"{stem}.xml"
    if xml.exists():
        why = "from an earlier report about the same picture. Correct that one in LabelImg"
        aside = f"set this one aside with: python -m tools.inbox reject {key[:8]}"
        raise ValueError(f"report {key}: {xml} is there already, {why}, and {aside}")
    with whole_file(target) as temporary:
        shutil.copyfile(picture, temporary)
    objects = voc_objects(repaired.boxes, repaired.names, width, height, difficult=repaired.difficult)
    write_annotation(xml, Path(pictures.name, target.name), width, height, objects, verified=True)
    given = find_files(dataset_dir).given
    train = given.train if given else None  # where there are lists, it would be in no split
    if train is not None and stem not in (lines := text_of(train, 10**7).splitlines()):
        write_text(train, "\n".join([*lines, stem]) + "\n")
    inbox.mark_accepted(key)  # its files leave the inbox only now that the data set has them
    return xml


def _confirmed(inbox: Inbox, report: Report) -> bool:
    return said_in(inbox.path(report.key, ".xml")).verified


@command("python -m tools.inbox")
def main(options: List | Open | Accept | Reject) -> None:
    need_folder(options.inbox, "--inbox", "give the --inbox of `python -m web`")
    options.run(Inbox(options.inbox))


if __name__ == "__main__":
    raise SystemExit(main())
