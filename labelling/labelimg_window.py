"""Starts LabelImg 1.8.6 so that it works on Python 3.11 and later; run by the Python of .labelimg-venv.

LabelImg passes floats where Qt takes whole numbers: Python converted them silently up to 3.9, now that is an
error, and an error while Qt draws ends the program. Nothing of the installed files is changed: its painter,
scroll bars and zoom are exchanged here for ones that round. Besides, it needs `distutils`, which Python 3.12
dropped, and its settings, a pickle file in the home folder, are left alone.

Standard library and LabelImg only: this file does not run in the project's environment.
"""

import argparse
import importlib
import os
import shutil
import sys
import traceback
import types
from pathlib import Path
from typing import Any


def whole(value: Any) -> Any:
    """A float as the nearest whole number; anything else as it is."""
    return round(value) if isinstance(value, float) else value


def supply_distutils() -> None:
    """Gives `import distutils.spawn` a module with the one function that LabelImg uses."""
    spawn = types.ModuleType("distutils.spawn")
    spawn.find_executable = shutil.which  # type: ignore[attr-defined]
    package = types.ModuleType("distutils")
    package.spawn = spawn  # type: ignore[attr-defined]
    sys.modules.setdefault("distutils", package)
    sys.modules.setdefault("distutils.spawn", spawn)


def load_labelimg() -> Any:
    """LabelImg's main module, mended."""
    supply_distutils()
    labelimg: Any = importlib.import_module("labelImg.labelImg")
    canvas: Any = importlib.import_module("libs.canvas")
    dialog: Any = importlib.import_module("libs.labelDialog")
    gui: Any = importlib.import_module("PyQt5.QtGui")

    class Painter(gui.QPainter):
        """Rounds what LabelImg draws: the box in the making, the cross hair, names."""

        def drawRect(self, *arguments: Any) -> None:
            super().drawRect(*map(whole, arguments))

        def drawLine(self, *arguments: Any) -> None:
            super().drawLine(*map(whole, arguments))

        def drawText(self, *arguments: Any) -> None:
            super().drawText(*map(whole, arguments))

    class Settings(dict):
        """What LabelImg would read from its pickle file: only what is set here."""

        def __init__(self) -> None:
            core = importlib.import_module("PyQt5.QtCore")
            # A save at every change of picture; names beside the boxes; a window that shows something.
            self["autosave"] = self["paintlabel"] = True
            self["window/size"] = core.QSize(1280, 860)
            self["labelFileFormat"] = labelimg.LabelFileFormat.PASCAL_VOC

        def load(self) -> bool:
            """Nothing is loaded, saved or deleted."""
            return True

        save = reset = load

    canvas.QPainter = Painter
    labelimg.Settings = Settings
    # A chosen box hid who is in it under an almost solid blue.
    importlib.import_module("libs.shape").Shape.select_fill_color = gui.QColor(0, 128, 255, 40)
    # LabelImg refuses names of one letter; 希 is a name.
    dialog.label_validator = lambda: dialog.QRegExpValidator(dialog.QRegExp(r"^[^ \t].*"), None)
    return labelimg


class WholeBar:
    """A scroll bar that takes floats."""

    def __init__(self, bar: Any):
        self._bar = bar

    def setValue(self, value: float) -> None:
        self._bar.setValue(round(value))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bar, name)


def make_window(labelimg: Any, classes: Path, annotations: Path, order: "Path | None") -> Any:
    """The main window with the names of a file, and with pictures in the order of another where there is one.

    There the paths of pictures, one a line, count from their folder.
    """

    class Window(labelimg.MainWindow):
        def set_zoom(self, value: float) -> None:
            super().set_zoom(round(value))

        def scan_all_images(self, folder_path: str) -> "list[str]":
            found = super().scan_all_images(folder_path)
            return in_order(found, order, Path(folder_path)) if order is not None else found

    window = Window(None, str(classes), str(annotations))
    window.scroll_bars = {side: WholeBar(bar) for side, bar in window.scroll_bars.items()}
    # The end of a path tells the pictures apart, not its beginning.
    core: Any = importlib.import_module("PyQt5.QtCore")
    window.file_list_widget.setHorizontalScrollBarPolicy(core.Qt.ScrollBarAlwaysOff)
    window.file_list_widget.setTextElideMode(core.Qt.ElideLeft)
    return window


def in_order(found: "list[str]", order: Path, folder: Path) -> "list[str]":
    """Pictures that the file lists, in its order, then the others as they come."""
    lines = [line.strip() for line in order.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    listed = [name for line in lines for name in (line, line.replace("\\", "/"))]  # as Windows writes it
    paths = [os.path.abspath(folder / name) for name in listed]  # noqa: PTH100 (keeps links as they are)
    there = set(found)
    first = [path for path in dict.fromkeys(paths) if path in there]
    rest = set(first)
    return first + [path for path in found if path not in rest]


def main() -> int:
    parser = argparse.ArgumentParser(description="Starts LabelImg, mended; made for tools/labelimg.py.")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("classes", type=Path)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--order", type=Path)
    parser.add_argument("--font", help="a font file for scripts that the system has no font for")
    options = parser.parse_args()
    labelimg = load_labelimg()
    gui: Any = importlib.import_module("PyQt5.QtGui")
    application = importlib.import_module("PyQt5.QtWidgets").QApplication([sys.argv[0]])
    application.setApplicationName("labelImg")
    application.setWindowIcon(labelimg.new_icon("app"))
    # Prints an error of LabelImg's and lets it go on: with Python's own, PyQt ends the program, work and all.
    sys.excepthook = traceback.print_exception
    if options.font:
        gui.QFontDatabase.addApplicationFont(options.font)
    window = make_window(labelimg, options.classes, options.annotations, options.order)
    window.show()
    # Once the window has its size, or the first picture would not fill it.
    core = importlib.import_module("PyQt5.QtCore")
    core.QTimer.singleShot(0, lambda: window.import_dir_images(str(options.pictures)))
    return application.exec_()


if __name__ == "__main__":
    sys.exit(main())
