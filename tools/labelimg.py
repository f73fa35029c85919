"""Opens a data set in LabelImg: its pictures, its XML, its names.

    make labelimg DATASET=my_set

Keys: W draws a box, D and A go to the next and the previous picture, space says that a picture is right as it
is. A changed picture is saved when you go on to another.

The first time it makes .labelimg-venv, an environment of its own, for which packages are downloaded.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from datasets.folder import FolderContents
from datasets.kinds import seems
from datasets.labels import clean_name, read_labels
from datasets.new_labels import extend_labels
from datasets.voc import said_in
from labelling.drafts import ORDER, find_pictures
from labelling.foreign import text_of
from terminal.command import command, say
from tools.setup_environment import ready
from visualization.text import shipped_font

_WINDOW = Path(__file__).resolve().parent.parent / "labelling" / "labelimg_window.py"


@dataclass(frozen=True)
class Options:
    dataset_dir: Path  #: JPEGImages/ and Annotations/, or a folder with pictures and XML side by side.
    #: Names to choose from: a labels.txt. Default: the one in the folder, and all names in its XML.
    labels_path: Annotated[Path | None, tyro.conf.arg(name="labels_file", aliases=("--labels_path",))] = None
    #: Order of the pictures: a file with the path of one on each line, as tools.preannotate and
    #: tools.propose_faces write it. Default: labelling_order.txt in the folder.
    order_path: Path | None = None


@dataclass(frozen=True)
class Session:
    """What LabelImg is opened with: folders of pictures and XML, names to choose from, file of the order."""

    pictures: Path
    annotations: Path
    names: tuple[str, ...]
    order: Path | None


def plan_session(options: Options) -> Session:
    """Finds folders, names and order.

    ValueError where the folder does not exist or holds no picture, LabelImg would not find all of its XML, or
    a named file is missing.
    """
    folder = options.dataset_dir
    contents = find_pictures(folder)
    annotations = _only_folder(contents)
    inside = all(contents.looked_in[1] in file.path.parents for file in contents.files)
    pictures = contents.looked_in[1] if inside else folder
    own = folder / "labels.txt"
    if options.labels_path is not None:
        names = read_labels(options.labels_path)
    else:
        xmls = (file.xml for file in contents.files if file.xml is not None)
        found = {clean_name(item.name or "") for xml in xmls for item in said_in(xml).objects}
        names = extend_labels(read_labels(own) if own.is_file() else [], found - {""})
    order = options.order_path
    if order is not None and not order.is_file():
        raise ValueError(f"--order_path {order}: there is no such file; tools.preannotate writes it")
    if order is None and (folder / ORDER).is_file():
        order = folder / ORDER
    if order is not None:
        text_of(order, 10**7)  # or the window would stumble over it
    return Session(pictures, annotations, tuple(names), order)


def _only_folder(contents: FolderContents) -> Path:
    """The folder of all XML; ValueError where LabelImg would not find some of them."""
    folder, first = contents.xml_dirs[0], {}
    for file in contents.files:
        wanted = folder / f"{file.path.stem}.xml"
        if (other := first.setdefault(wanted, file)) is not file:
            said, cure = f"{other.path} and {file.path} would share {wanted.name}", "rename one, with its XML"
        elif file.xml not in (None, wanted):
            said, cure = f"{file.xml} would not be found", f"move it to {wanted}"
        else:
            continue
        if (file.xml or file.path).parent == file.path.parent:
            cure = f"open one folder at a time, such as DATASET={file.path.parent}"
        raise ValueError(f"{said}: LabelImg knows pictures by file name, and XML of one folder only; {cure}")
    return folder


def window_command(python: Path, session: Session, classes: Path) -> list[str]:
    command = [str(python), "-I", str(_WINDOW)]
    command += [str(path.resolve()) for path in (session.pictures, classes, session.annotations)]
    if session.order is not None:
        command += ["--order", str(session.order.resolve())]
    return [*command, "--font", str(shipped_font())]


def own_environment() -> dict[str, str]:
    """The environment variables for LabelImg: without those by which OpenCV leads Qt to its own plugins."""
    led_astray = {name for name, value in os.environ.items() if name.startswith("QT_") and "cv2" in value}
    return {name: value for name, value in os.environ.items() if name not in led_astray}


def open_labelimg(session: Session) -> int:
    """Opens the window, waits until it is closed, and gives LabelImg's exit status.

    ValueError where there is no screen, or LabelImg cannot be installed.
    """
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not screen:
        raise ValueError("there is no screen (DISPLAY is not set): run it on a desk, or with `ssh -X`")
    python = ready("labelimg-build", "labelimg")
    session.annotations.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        classes = Path(folder) / "names.txt"  # a copy: LabelImg must not change the project's
        classes.write_text("".join(f"{name}\n" for name in session.names), encoding="utf-8")
        command, variables = window_command(python, session, classes), own_environment()
        process = subprocess.run(command, env=variables, stderr=subprocess.PIPE, text=True, errors="replace")
    sys.stderr.write(process.stderr)
    if "libxcb" in process.stderr or '"xcb"' in process.stderr:
        raise ValueError(
            "Qt finds no way to the screen. Debian/Ubuntu: sudo apt-get install libxcb-xinerama0 "
            "libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxkbcommon-x11-0"
        )
    return process.returncode


@command("python -m tools.labelimg")
def main(options: Options) -> int:
    console = Console(stderr=True)
    session = plan_session(options)
    say(console, f"Pictures: {session.pictures}, XML: {session.annotations}")
    if "tools.import_dataset" in (kind := seems(options.dataset_dir)):
        say(console, f"Labels of another format are not shown: {kind}")
    say(console, f"Names: {', '.join(session.names) or 'none yet: type them'}")
    return open_labelimg(session)


if __name__ == "__main__":
    raise SystemExit(main())
