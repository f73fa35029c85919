"""LabelImg on a data set: what it is opened with, and, on a virtual screen, that it draws and saves."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datasets.annotations import ReadOptions, read_folder
from datasets.new_labels import write_labels
from datasets.voc import VocObject, is_draft, read_xml
from labelling.drafts import may_write, write_draft
from labelling.labelimg_window import in_order, whole
from tests.conftest import ROOT
from tests.datasets.one_of_everything import xml_object, xml_text
from tests.video.small_videos import scene
from tools.labelimg import Options, main, own_environment, plan_session, window_command

NAME = "千反田える"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "my set"
    (folder / "JPEGImages").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    for number in (1, 2, 10):
        Image.fromarray(scene(number, 480, 640)).save(folder / "JPEGImages" / f"ep_{number}.png")
    write_labels(folder / "labels.txt", [NAME, "折木奉太郎"])
    return folder


def test_session_takes_folders_names_and_order_of_the_set(dataset: Path) -> None:
    pictures, annotations, order = (dataset / n for n in ("JPEGImages", "Annotations", "labelling_order.txt"))
    found = plan_session(Options(dataset))
    assert (found.pictures, found.annotations, found.order) == (pictures, annotations, None)
    assert found.names == (NAME, "折木奉太郎")
    (annotations / "ep_1.xml").write_text(xml_text(xml_object("<name>希</name>")))
    (annotations / "ep_2.xml").write_text("damaged")
    order.write_text("ep_2.png\n")
    found = plan_session(Options(dataset))
    assert (found.names, found.order) == ((NAME, "折木奉太郎", "希"), order)
    write_labels(dataset / "other.txt", ["a"])
    assert plan_session(Options(dataset, labels_path=dataset / "other.txt")).names == ("a",)
    flat = plan_session(Options(pictures))
    assert (flat.pictures, flat.annotations, flat.names) == (pictures, pictures, ())


def test_what_is_missing_is_named(dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for flags, message in (
        ([f"--dataset_dir={dataset}", "--order_path=x.txt"], "--order_path x.txt: there is no such file"),
        ([f"--dataset_dir={dataset}"], "there is no screen (DISPLAY is not set)"),
    ):
        if sys.platform.startswith("linux") or "screen" not in message:
            assert main(flags) == 1
            assert message in capsys.readouterr().err


def test_command_of_the_window_and_opencv_does_not_lead_qt_astray(dataset: Path, monkeypatch) -> None:
    command = window_command(Path("python"), plan_session(Options(dataset)), dataset / "names.txt")
    assert command[:2] == ["python", "-I"]
    assert command[3:6] == [str(dataset / name) for name in ("JPEGImages", "names.txt", "Annotations")]
    assert "--order" not in command
    assert Path(command[command.index("--font") + 1]).is_file()
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/x/site-packages/cv2/qt/plugins")
    monkeypatch.setenv("QT_SCALE_FACTOR", "2")
    found = own_environment()
    assert ("QT_QPA_PLATFORM_PLUGIN_PATH" in found, found["QT_SCALE_FACTOR"]) == (False, "2")


def test_pictures_follow_the_order_and_others_come_after(tmp_path: Path) -> None:
    order = tmp_path / "order.txt"
    order.write_text("\ufeffb.jpg\n\nmissing.jpg\n../elsewhere.jpg\nb.jpg\nsub\\c.jpg\n", "utf-8")
    found = [str(tmp_path / name) for name in ("a.jpg", "b.jpg", "sub/c.jpg")]
    assert in_order(found, order, tmp_path) == [found[1], found[2], found[0]]
    assert [whole(value) for value in (1.6, 2, -0.4, "a")] == [2, 2, 0, "a"]


# -- on a virtual screen ---------------------------------------------------------------------------------


@pytest.fixture
def screen() -> Iterator[dict[str, str]]:
    """Environment variables of a virtual screen."""
    missing = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed (apt-get install xvfb xdotool)")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        yield {**os.environ, "DISPLAY": f":{number}", "LANG": "C.UTF-8"}
    finally:
        server.terminate()
        server.wait(20)


def wait_for(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.2)


@pytest.mark.slow
def test_box_drawn_with_the_mouse_is_saved_and_read(dataset: Path, screen: dict[str, str]) -> None:
    def do(*arguments: str) -> str:
        command = ["xdotool", *arguments]
        return subprocess.run(command, env=screen, capture_output=True, text=True, check=False).stdout.strip()

    def window(name: str) -> str:
        return (do("search", "--onlyvisible", "--name", name).splitlines() or [""])[-1]

    def dialog() -> bool:
        # More than the screen itself and the main window; by name xdotool does not find it.
        return len(do("search", "--onlyvisible", "--name", "").splitlines()) > 2

    draft = dataset / "Annotations" / "ep_10.xml"
    picture = dataset / "JPEGImages" / "ep_10.png"
    write_draft(draft, picture, 640, 480, [VocObject("折木奉太郎", (11, 21, 111, 121))])
    (dataset / "labelling_order.txt").write_text("ep_10.png\nep_1.png\n")
    log = (dataset.parent / "log.txt").open("w")
    program = subprocess.Popen(
        [sys.executable, "-m", "tools.labelimg", f"--dataset_dir={dataset}"],
        cwd=ROOT, env=screen, stdout=log, stderr=log,
    )  # fmt: skip
    try:
        wait_for(lambda: window("ep_10.png") or program.poll() is not None, "the window", 300)
        main_window = window("ep_10.png")
        assert main_window, (dataset.parent / "log.txt").read_text()
        do("windowfocus", "--sync", main_window)

        # The draft is shown first; it is right: space.
        do("mousemove", "640", "400", "key", "space")
        wait_for(lambda: b'verified="yes"' in draft.read_bytes(), "the draft to be verified")

        # Zooming and scrolling crashed too.
        do("keydown", "ctrl", "click", "4", "click", "4", "click", "5", "keyup", "ctrl", "click", "5")
        do("key", "d")
        wait_for(lambda: window("ep_1.png"), "the next picture")

        do("key", "w", "sleep", "0.5", "mousemove", "400", "300", "sleep", "0.3", "mousedown", "1")
        for step in range(1, 11):
            do("mousemove", str(400 + 20 * step), str(300 + 15 * step), "sleep", "0.05")
        do("sleep", "0.3", "mouseup", "1")
        wait_for(dialog, "the dialog for the name")
        # Letters that no keyboard has are lent a key for so long; a busy machine needs a while to read it.
        do("type", "--delay", "600", NAME)
        time.sleep(0.5)
        do("key", "Return")  # closes the list of names that begin so
        time.sleep(0.5)
        if dialog():
            do("key", "Return")
        wait_for(lambda: not dialog(), "the dialog to be gone")
        saved = dataset / "Annotations" / "ep_1.xml"
        do("windowfocus", "--sync", main_window)
        do("key", "d")  # goes on, and so saves
        wait_for(saved.is_file, "the XML")

        # Nobody is in the last one, and it has no draft: space says so.
        wait_for(lambda: window("ep_2.png"), "the last picture")
        nobody = dataset / "Annotations" / "ep_2.xml"
        do("key", "space")
        wait_for(lambda: nobody.is_file() and b'verified="yes"' in nobody.read_bytes(), "an empty XML")
    finally:
        program.terminate()
        subprocess.run(["pkill", "-P", str(program.pid)], check=False)
        program.wait(20)
        log.close()
    assert "Traceback" not in (dataset.parent / "log.txt").read_text()
    assert not is_draft(read_xml(draft))
    assert not may_write(draft)

    reading = read_folder(dataset, ReadOptions())
    names = {one.stem: one.names for one in reading.annotations}
    assert names == {"ep_1": (NAME,), "ep_10": ("折木奉太郎",), "ep_2": ()}
    top, left, bottom, right = reading.annotations[0].boxes[0] * np.array([480, 640, 480, 640])
    assert 100 < right - left < 400
    assert (right - left) / (bottom - top) == pytest.approx(200 / 150, abs=0.05)
    assert not reading.problems
