"""What visitors of the page reported: look at it, accept it into a data set, or reject it.

    python -m tools.inbox list
    python -m tools.inbox open [KEY]
    python -m tools.inbox accept KEY... --dataset_dir=my_set
    python -m tools.inbox accept --verified --dataset_dir=my_set
    python -m tools.inbox reject KEY...

A report waits as a picture and LabelImg XML with verified="no". `open` shows it in LabelImg, where boxes and
names can be corrected; the space key there confirms a picture, and `accept --verified` takes all that are
confirmed so. `accept KEY` confirms by itself. Accepted pictures stand in the data set with verified="yes".
Beginnings of keys suffice. Needs `make setup WEB=1`.

Exit status: 0; 1 for a mistake, with one line that says which; 2 for wrong flags.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datasets.inbox_place import default_inbox, index_url
from datasets.pictures import read_picture
from datasets.voc import read_xml, repair_objects, voc_objects, write_annotation
from files.writing import whole_file, write_text
from terminal.command import command
from tools import labelimg
from tools.labelimg import plan_session

if TYPE_CHECKING:
    from datasets.inbox import Inbox


@dataclass(frozen=True)
class Where:
    """Which inbox.

    Attributes:
        inbox: its folder, as given to `python -m web`, or in the environment variable ANIME_SSD_INBOX.
        inbox_url: its index, as given to `python -m web`, or in the environment variable ANIME_SSD_INBOX_URL;
            default: SQLite in the folder.
    """

    inbox: Path = field(default_factory=default_inbox)
    inbox_url: str = ""


@dataclass(frozen=True)
class List:
    """Show the reports.

    Attributes:
        state: pending, accepted or rejected ones.
    """

    state: str = "pending"
    where: Annotated[Where, tyro.conf.arg(name="")] = field(default_factory=Where)


@dataclass(frozen=True)
class Open:
    """Look at pending reports in LabelImg.

    Attributes:
        key: of the report to begin with, or the beginning of its key.
    """

    key: Annotated[str, tyro.conf.Positional] = ""
    where: Annotated[Where, tyro.conf.arg(name="")] = field(default_factory=Where)


@dataclass(frozen=True)
class Accept:
    """Confirm reports and bring them into a data set.

    Attributes:
        dataset_dir: the data set: Annotations/ and JPEGImages/, or one folder; made if it does not exist.
        keys: of reports, or their beginnings.
        verified: all that were confirmed with the space key in LabelImg.
    """

    dataset_dir: Path
    keys: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="KEY...")] = ()
    verified: bool = False
    where: Annotated[Where, tyro.conf.arg(name="")] = field(default_factory=Where)


@dataclass(frozen=True)
class Reject:
    """Set reports aside: nothing is deleted.

    Attributes:
        keys: of reports, or their beginnings.
    """

    keys: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="KEY...")]
    where: Annotated[Where, tyro.conf.arg(name="")] = field(default_factory=Where)


def find_key(inbox: Inbox, beginning: str) -> str:
    """The key of the one pending report that begins so.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = [entry.key for entry in inbox.index.list("pending") if entry.key.startswith(beginning)]
    if len(found) != 1:
        how = "no pending report has" if not found else f"{len(found)} pending reports have"
        raise ValueError(
            f"{how} a key that begins with {beginning!r}; `python -m tools.inbox list` shows the keys"
        )
    return found[0]


def accept(inbox: Inbox, key: str, dataset_dir: Path) -> Path:
    """Bring a pending report into a data set, confirmed.

    The picture's stem is `visitorDIGEST_000000`, a source of its own, so that one picture that was reported
    twice is found to be there already. Where the data set has lists of splits, it goes into train.txt.

    Returns:
        The XML in the data set.

    Raises:
        ValueError: the data set has the picture already, or the XML is unusable; nothing has changed then.
    """
    entry = inbox.index.get(key)
    picture = inbox.path(key, ".jpg")
    if entry is None or not inbox.path(key, ".xml").exists():
        raise ValueError(f"report {key} is not pending any more")
    image = read_picture(picture)
    height, width = image.shape[:2]
    repaired, problems = repair_objects(
        read_xml(inbox.path(key, ".xml")).objects, (width, height), f"{key}.xml"
    )
    if problems:
        raise ValueError(
            f"report {key}: {problems[0].kind} ({problems[0].detail}); correct it with: "
            f"python -m tools.inbox open {key[:8]}"
        )
    pictures, xmls = dataset_dir / "JPEGImages", dataset_dir / "Annotations"
    if dataset_dir.is_dir() and any(dataset_dir.iterdir()) and not (pictures.is_dir() and xmls.is_dir()):
        pictures = xmls = dataset_dir
    for folder in (pictures, xmls):
        folder.mkdir(parents=True, exist_ok=True)
    stem = f"visitor{entry.picture[:12]}_000000"
    target, xml = pictures / f"{stem}.jpg", xmls / f"{stem}.xml"
    if xml.exists():
        raise ValueError(
            f"report {key}: {xml} is there already, from an earlier report about the same picture. Correct "
            f"that one in LabelImg, and set this one aside with: python -m tools.inbox reject {key[:8]}"
        )
    with whole_file(target) as temporary:
        shutil.copyfile(picture, temporary)
    objects = voc_objects(repaired.boxes, repaired.names, width, height, difficult=repaired.difficult)
    write_annotation(xml, Path(pictures.name, target.name), width, height, objects, verified=True)
    _add_to_list(dataset_dir / "ImageSets" / "Main" / "train.txt", stem)
    # Its files leave the inbox only now that the data set has them.
    inbox.mark_accepted(key)
    inbox.path(key, ".xml").unlink(missing_ok=True)
    picture.unlink(missing_ok=True)
    return xml


def _add_to_list(path: Path, stem: str) -> None:
    """Append to a list of the training split, where the data set has one; else it would be in no split."""
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    if stem not in lines:
        write_text(path, "\n".join([*lines, stem]) + "\n")


def show(inbox: Inbox, state: str, console: Console) -> None:
    """Print a table of the reports in a state."""
    from datasets.inbox import ACCEPTED, PENDING, REJECTED

    if state not in (PENDING, ACCEPTED, REJECTED):
        raise ValueError(f"--state {state}: must be pending, accepted or rejected")
    entries = inbox.index.list(state)
    if not entries:
        console.print(f"No {state} reports in {escape(str(inbox.folder))}.", highlight=False)
        return
    table = Table()
    for heading in ("key", "received", "names", "corrections", "confirmed", "same picture"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        twins = [other.key[:8] for other in entries if other.picture == entry.picture and other != entry]
        received = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.received))
        names = escape(", ".join(entry.names)) or "(nobody)"
        confirmed = "yes" if state == PENDING and _confirmed(inbox, entry.key) else ""
        table.add_row(entry.key[:8], received, names, str(entry.corrections), confirmed, ", ".join(twins))
    console.print(table)


def _confirmed(inbox: Inbox, key: str) -> bool:
    try:
        return read_xml(inbox.path(key, ".xml")).verified
    except ValueError:
        return False


def open_labelimg(inbox: Inbox, key: str) -> None:
    """Start LabelImg on the pending reports, one of them first if a key is given.

    Raises:
        ValueError: nothing is pending, or there is no report with that key.
    """
    if not inbox.index.list("pending"):
        raise ValueError("no report is pending")
    with tempfile.TemporaryDirectory() as folder:
        order = Path(folder, "order.txt")
        order.write_text(f"{find_key(inbox, key)}.jpg\n" if key else "", encoding="utf-8")
        session = plan_session(labelimg.Options(dataset_dir=inbox.folder / "pending", order_path=order))
        labelimg.open_labelimg(session, lambda line: print(line, file=sys.stderr))


def run(command: List | Open | Accept | Reject, console: Console) -> None:
    """Do what a command line says.

    Raises:
        ValueError: the user's mistake.
    """
    if importlib.util.find_spec("sqlalchemy") is None:
        raise ValueError("the package sqlalchemy is not installed; run: make setup WEB=1")
    from datasets.inbox import Inbox

    where = command.where
    if not where.inbox.is_dir():
        raise ValueError(
            f"--inbox {where.inbox}: there is no such folder; give the --inbox of `python -m web`"
        )
    inbox = Inbox(where.inbox, index_url(where.inbox_url))
    try:
        if isinstance(command, List):
            show(inbox, command.state, console)
        elif isinstance(command, Open):
            open_labelimg(inbox, command.key)
        elif isinstance(command, Reject):
            for key in [find_key(inbox, beginning) for beginning in command.keys]:
                inbox.reject(key)
                console.print(
                    f"{key[:8]} rejected; its files are in {inbox.folder / 'rejected'}", highlight=False
                )
        else:
            keys = [find_key(inbox, beginning) for beginning in command.keys]
            if command.verified:
                keys += [entry.key for entry in inbox.index.list("pending") if _confirmed(inbox, entry.key)]
            if not keys:
                raise ValueError(
                    "nothing to accept: give keys, or --verified for what LabelImg's space key confirmed"
                )
            for key in dict.fromkeys(keys):
                xml = accept(inbox, key, command.dataset_dir)
                console.print(f"{key[:8]} accepted: {xml}", highlight=False, markup=False)
    finally:
        inbox.index.close()


@command("inbox")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    command = tyro.extras.subcommand_cli_from_dict(
        {"list": List, "open": Open, "accept": Accept, "reject": Reject},
        args=arguments,
        prog="python -m tools.inbox",
        description=__doc__,
        use_underscores=True,
    )
    run(command, Console())


if __name__ == "__main__":
    sys.exit(main())
