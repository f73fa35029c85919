import json
import os
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import detect
from boxes.detections import Detections
from detect import Options, Run, find_sources
from engine.reports.detections_file import Journal
from tests.conftest import tables
from tests.engine.by_hand import detected
from tests.seeing import Seeing
from tests.video.small_videos import frames_of, write_video


def fake() -> Seeing:
    """Finds 千反田える in the upper left quarter of every picture with a bright middle."""

    def see(image: np.ndarray) -> Detections:
        assert image.dtype == np.uint8
        bright = image[image.shape[0] // 2, image.shape[1] // 2].mean() > 100
        return detected(*[("千反田える", 0.75, (0, 0, 0.5, 0.5))][: int(bright)])

    return Seeing(see, ("千反田える",))


def picture(path: Path, width: int = 60, height: int = 40, value: int = 200, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (value, value, value)).save(path, **options)
    return path


def film(path: Path, frames: int) -> Path:
    """Dark, from the sixth frame on bright; 25 frames a second."""
    return write_video(path, [np.full((48, 64, 3), 200 if i >= 5 else 0, np.uint8) for i in range(frames)])


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened)


def detect_in(inputs, output_dir, detector=None, **options):
    options = Options(tuple(inputs), Path("unused"), output_dir, **options)
    outcome = Run(detector or fake(), options).through(find_sources(options.inputs, output_dir))
    return outcome, json.loads((output_dir / "detections.json").read_text(encoding="utf-8"))


def test_pictures_with_somebody_and_without_anyone(tmp_path):
    inputs = [picture(tmp_path / "1.png"), picture(tmp_path / "2.png", value=0)]
    _, entries = detect_in(inputs, tmp_path / "out")
    somebody = {"name": "千反田える", "score": 0.75, "box": [0.0, 0.0, 30.0, 20.0]}
    assert entries == [
        {"image": "1.png", "width": 60, "height": 40, "detections": [somebody]},
        {"image": "2.png", "width": 60, "height": 40, "detections": []},
    ]
    drawn, dark = (pixels(tmp_path / "out" / name) for name in ("1.png", "2.png"))
    assert drawn.shape == (40, 60, 3)
    assert (drawn != 200).any()
    assert not dark.any()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.png", "2.png", "detections.json"]


def test_folder_with_subfolders_in_order_and_in_full_batches(tmp_path):
    names = [f"{folder}{i:02}.jpg" for folder in ("", "a/", "b/c/") for i in range(7)]
    for i, name in enumerate(names):
        picture(tmp_path / "in" / name, width=20 + i)
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    picture(tmp_path / "in" / ".hidden.png")
    detector = fake()
    _, entries = detect_in([tmp_path / "in"], tmp_path / "out", detector, batch_size=4)
    assert [element["image"] for element in entries] == names
    assert [element["width"] for element in entries] == [20 + i for i in range(21)]
    assert detector.batches == [4, 4, 4, 4, 4, 1]
    assert all((tmp_path / "out" / name).is_file() for name in names)


def test_equal_names_in_two_folders_stay_apart_and_results_are_not_detected_in_again(tmp_path):
    first, second = picture(tmp_path / "a" / "1.jpg"), picture(tmp_path / "b" / "1.jpg", width=80)
    for inputs in ([first, second, first], [tmp_path]):
        _, entries = detect_in(inputs, tmp_path / "out")
        assert [(one["image"], one["width"]) for one in entries] == [("a/1.jpg", 60), ("b/1.jpg", 80)]
    assert pixels(tmp_path / "out" / "b" / "1.jpg").shape == (40, 80, 3)


def test_relative_inputs_never_lead_out_and_webcam_recordings_get_names(tmp_path, monkeypatch):
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    sources = find_sources([Path("../a/1.png"), Path("../a/../a/1.png"), Path("../a")], Path("out"))
    assert [source.name for source in sources] == ["1.png"]
    (camera,) = find_sources([Path("webcam:1")], tmp_path)
    assert (camera.camera, camera.is_video) == (1, True)
    assert re.fullmatch(r"webcam1_\d{8}_\d{6}\.mp4", camera.name)


def test_originals_and_results_are_never_overwritten(tmp_path):
    original = picture(tmp_path / "1.png")
    with pytest.raises(ValueError, match=r"1\.png would be overwritten .* choose another --output_dir"):
        find_sources([original], tmp_path)
    picture(tmp_path / "in" / "detections.png")
    assert find_sources([tmp_path / "in"], tmp_path / "out")
    with pytest.raises(ValueError, match=r"out/detections\.png would be overwritten"):
        find_sources([tmp_path / "in"], tmp_path / "out", contact_sheet=True)
    for name in ("clip.avi", "clip.avi.mp4"):
        (tmp_path / "in" / name).write_bytes(b"")
    with pytest.raises(ValueError, match=r"clip\.avi\.mp4 would be overwritten"):
        find_sources([tmp_path / "in"], tmp_path / "out")
    (tmp_path / "in" / "clip.avi.mp4").unlink()
    picture(tmp_path / "in" / "clip.avi.timeline.png")
    with pytest.raises(ValueError, match=r"clip\.avi\.timeline\.png would be overwritten"):
        find_sources([tmp_path / "in"], tmp_path / "out")


def test_what_cannot_be_read_is_named_and_the_others_done(tmp_path):
    folder = tmp_path / "in"
    picture(folder / "good.png")
    picture(folder / "large.png", width=400, height=400)
    picture(folder / "old.gif")
    (folder / "broken.png").write_bytes((folder / "good.png").read_bytes()[:60])
    (folder / "text.jpg").write_text("no picture")
    (folder / "clip.mp4").write_bytes(b"no video" * 100)
    picture(folder / (gbk := os.fsdecode(b"\xc7\xa7\xb7.png")))
    os.mkfifo(folder / "pipe.png")
    outcome, entries = detect_in([folder], tmp_path / "out", max_pixels=10_000)
    assert [element["image"] for element in entries] == ["good.png", gbk]
    reasons = dict(outcome.failures)
    assert sorted(reasons) == ["broken.png", "clip.mp4", "large.png", "old.gif", "text.jpg"]
    assert "400 x 400" in reasons["large.png"]
    assert "save it as PNG or JPEG" in reasons["old.gif"]
    assert "not a video, or damaged from the start: Invalid data found" in reasons["clip.mp4"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["detections.json", "good.png", gbk]


def test_what_cannot_be_written_is_named_and_the_others_kept(tmp_path):
    folder, out, long = tmp_path / "in", tmp_path / "out", f"{'n' * 240}.mkv"
    picture(folder / "good.png")
    picture(folder / "strip.webp", 16, 17_000, format="PNG")  # WebP ends at 16383 pixels
    picture(folder / "sub" / "1.png")
    film(folder / long, 3)
    (out / "detections.png").mkdir(parents=True)
    (out / "sub").touch()
    outcome, entries = detect_in([folder], out, contact_sheet=True)
    assert {entry["image"] for entry in entries} == {"good.png", long}
    assert (out / f"{long}.mp4").is_file()
    reasons = dict(outcome.failures)
    assert sorted(reasons) == [str(out), long, "strip.webp", "sub/1.png"]
    assert f"{out}/strip.webp: encoding error 5: Image size exceeds WebP" in reasons["strip.webp"]
    assert reasons["sub/1.png"].startswith(f"picture cannot be written: {out}/sub: File exists; rename")
    assert reasons[long] == f"{out}/{long}.appearances.csv: File name too long; shorten the name; left out"


def test_a_run_that_was_killed_goes_on(tmp_path):
    """Killed in the fortieth of fifty batches; then two of the pictures change, one of them done."""
    inputs = [picture(tmp_path / "in" / f"{i:02}.png", width=20 + i) for i in range(50)]
    out, asked = tmp_path / "out", []

    def killed(image):
        asked.append(image.shape[1])
        if len(asked) == 40:
            raise KeyboardInterrupt
        return fake().see(image)

    with pytest.raises(KeyboardInterrupt):
        detect_in(inputs, out, Seeing(killed), batch_size=1)
    with (out / "detections.journal").open("a") as file:
        file.write('["half a li')
    for number, width in ((0, 90), (45, 91)):
        picture(inputs[number], width=width)
    (out / "01.png").unlink()
    outcome, entries = detect_in(inputs, out, again := fake(), batch_size=1)
    assert 10 < outcome.known == 50 - len(again.batches) < 38
    assert [one["width"] for one in entries] == [90, *range(21, 65), 91, *range(66, 70)]
    assert all(len(one["detections"]) == 1 for one in entries)
    assert not (out / "detections.journal").exists()
    detect_in(inputs, out, anew := fake(), batch_size=1)
    assert len(anew.batches) == 50, "what was finished begins anew"


def test_what_another_detector_found_is_not_taken_over(tmp_path):
    source = picture(tmp_path / "1.png")
    for number, made in enumerate(("one", "one", "another")):
        journal = Journal(tmp_path / "j", made)
        assert journal.line(source) == (None, '{"detections": []}', None)[number]
        journal.add(source, '{"detections": []}')


@pytest.mark.parametrize("line", ["{}", "5", '["a", 5]', '["a", "{}"]', '["a", "[1"]', "null", "[" * 9999])
def test_a_journal_that_somebody_else_wrote_is_none(tmp_path, line):
    (tmp_path / "j").write_text(f'"made"\n{line}\n')
    assert Journal(tmp_path / "j", "made").line(tmp_path / "a") is None
    assert (tmp_path / "j").read_text() == '"made"\n'


def test_contact_sheet_shows_every_picture(tmp_path):
    for i in range(5):
        picture(tmp_path / "in" / f"{i}.png", width=300, height=200)
    detect_in([tmp_path / "in"], tmp_path / "out", contact_sheet=True)
    sheet = pixels(tmp_path / "out" / "detections.png")
    bright = (sheet == 200).all(axis=-1).sum()
    assert bright > 0.7 * 5 * 400 * 267


def test_video_has_an_entry_per_frame_with_its_time(tmp_path):
    _, entries = detect_in([film(tmp_path / "clip.mkv", 11)], tmp_path / "out", batch_size=4)
    assert [element["time"] for element in entries] == pytest.approx([i / 25 for i in range(11)])
    assert [len(element["detections"]) for element in entries] == [0] * 5 + [1] * 6
    assert {(e["image"], e["width"], e["height"]) for e in entries} == {("clip.mkv", 64, 48)}
    table, annotated, timeline, listed = sorted((tmp_path / "out").iterdir())
    assert (table.name, annotated.name) == ("clip.mkv.appearances.csv", "clip.mkv.mp4")
    assert (timeline.name, listed.name) == ("clip.mkv.timeline.png", "detections.json")
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines == ["name,start,end,frames,best_score", "千反田える,0.200,0.440,6,0.750"]
    frames = [frame.image for frame in frames_of(annotated)[0]]
    assert len(frames) == 11
    assert np.std(frames[10]) > np.std(frames[0]) + 5  # a box is drawn


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command line with the fake detector, results in "out": (exit status, what it said)."""

    class Module:
        class Detector:
            @staticmethod
            def load(folder, *, unknown=False):
                if folder.name == "wrong":
                    raise ValueError(f"{folder} is not a checkpoint folder.")
                return fake()

        digest_of = str

    monkeypatch.setitem(sys.modules, "nets.detector", Module)

    def call(*arguments: str) -> tuple[int, str]:
        try:
            status = detect.main([f"--output_dir={tmp_path / 'out'}", *arguments])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        return status, capsys.readouterr().err

    return call


def test_command_line_counts_what_it_did_and_what_it_could_not_read(tmp_path, command):
    picture(tmp_path / "in" / "1.png")
    status, said = command("--checkpoint_path", "run", str(tmp_path / "in"))
    assert status == 0
    assert "1 pictures (or frames), 1 detections, 0 unreadable" in said
    (tmp_path / "in" / "\x1b[31m.png").write_bytes(b"no picture")
    status, said = command("--checkpoint-path=run", str(tmp_path / "in"))
    assert status == 1
    assert "\x1b" not in said
    assert "[31m.png: " in said
    assert "1 unreadable" in said


RUN = "--checkpoint_path=run"


@pytest.mark.parametrize(("arguments", "status", "message"), tables(__file__, "mistakes")["detect"])
def test_command_line_says_what_is_wrong(tmp_path, monkeypatch, command, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "1.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    found, said = command(*arguments.split())
    assert found == status
    assert re.search(message, said.replace("\n", " "))
    assert not (tmp_path / "out").exists()


def test_ctrl_c_before_anything_is_done(tmp_path, command, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(detect, "start_tensorflow", interrupt)
    picture(tmp_path / "1.png")
    status, said = command(RUN, str(tmp_path))
    assert (status, said) == (130, "detect.py: interrupted; films and pictures that are there are complete\n")
    assert not (tmp_path / "out").exists()


def test_ctrl_c_completes_what_is_done(tmp_path, command, monkeypatch):
    """As a person does it: the signal comes in the middle of the work."""
    film(tmp_path / "clip.mkv", 60)
    picture(tmp_path / "later.png")
    find = Seeing.detect_batch

    def detect_batch(self, images, **options):
        if len(self.batches) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return find(self, images, **options)

    monkeypatch.setattr(Seeing, "detect_batch", detect_batch)
    before = signal.getsignal(signal.SIGINT)
    status, said = command(RUN, "--batch_size=4", str(tmp_path))
    assert status == 130
    assert "Completing what is done so far" in said
    out = tmp_path / "out"
    assert len(json.loads((out / "detections.json").read_text(encoding="utf-8"))) == 12
    assert len(frames_of(out / "clip.mkv.mp4")[0]) == 12
    assert not (out / "later.png").exists()
    assert signal.getsignal(signal.SIGINT) is before
