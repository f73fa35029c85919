from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces import sorting
from tests.tools.test_doors import TABLES
from tools import sort_faces
from tools.sort_faces import main

COLOURS = {"aka": (200, 40, 40), "ao": (40, 60, 200), "kuro": (30, 30, 30)}


@pytest.fixture
def faces(tmp_path: Path, rng: np.random.Generator) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    for i in range(18):
        name, colour = list(COLOURS.items())[i % 3]
        image = np.clip(np.full((60, 60, 3), colour) + rng.integers(-15, 15, (60, 60, 3)), 0, 255)
        image[30:, 15:45] = (250, 225, 205)
        Image.fromarray(image.astype(np.uint8)).save(folder / f"{i:02}_{name}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture
def detector(monkeypatch):
    """Tells who it is by the colour of the hair; is unsure of the black-haired."""

    def names_of(images):
        hair = [image[5, 5] for image in images]
        return [("黒/..", 0.3) if h.max() < 80 else ("赤" if h[0] > h[2] else "", 0.9) for h in hair]

    monkeypatch.setattr(sorting, "_by_detector", lambda checkpoint_path: names_of)


def folders(out: Path) -> dict[str, int]:
    return {path.name: len(list(path.iterdir())) for path in out.iterdir() if path.is_dir()}


def run(capsys, *arguments: object) -> tuple[int, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, " ".join((captured.out + captured.err).split())


def test_groups_without_a_model(faces, tmp_path, capsys):
    out = tmp_path / "sorted"
    (out / "group_007").mkdir(parents=True)  # of an earlier run
    status, said = run(capsys, "--faces_dir", faces, "--output_dir", out, "--groups", 3)
    assert status == 0
    assert "broken.jpg: not a picture" in said
    groups = {"group_007": 0, "group_008": 6, "group_009": 6, "group_010": 6}
    assert folders(out) == {**groups, "contact_sheets": 3}
    for group in range(8, 11):
        assert len({path.stem[3:] for path in (out / f"group_{group:03}").iterdir()}) == 1
    assert len(list(faces.iterdir())) == 19  # copied, not moved
    with Image.open(out / "contact_sheets" / "group_008.jpg") as sheet:
        assert sheet.width > 300


def test_an_interrupted_copy_goes_on(faces, tmp_path, capsys, detector):
    out = tmp_path / "sorted"
    flags = "--faces_dir", faces, "--output_dir", out, "--checkpoint_path", "any"
    aside = [path.rename(tmp_path / path.name) for path in sorted(faces.glob("*_ao.png"))]
    run(capsys, *flags)
    for path in aside:
        path.rename(faces / path.name)
    status, said = run(capsys, *flags)
    assert status == 0
    assert "12 faces were copied earlier." in said
    assert folders(out) == {"赤": 6, "unsure": 12, "contact_sheets": 2}
    _, said = run(capsys, *flags)
    assert "18 faces were copied earlier." in said
    assert said.endswith("Nothing was copied.")
    # What a person has put elsewhere is not sorted again; what was thrown away is.
    (out / "赤").rename(out / "Akane")
    next((out / "unsure").iterdir()).unlink()
    assert "17 faces were copied earlier." in run(capsys, *flags)[1]


def test_by_name_which_is_no_path(faces, tmp_path, capsys, detector):
    out = tmp_path / "sorted"
    flags = "--faces_dir", faces, "--output_dir", out, "--checkpoint_path", "any"
    status, said = run(capsys, *flags, "--dry_run")
    assert status == 0
    assert "12 unsure" in said
    assert "Nothing was copied." in said
    assert not out.exists()
    out.mkdir()
    (out / "赤").touch()  # where a folder is to be
    status, said = run(capsys, *flags, "--score_threshold", 0.1)
    assert status == 1
    assert f"face cannot be copied: {out}/赤: File exists; rename what has this name" in said
    assert folders(out) == {"unsure": 6, "黒_": 6, "contact_sheets": 2}
    (out / "赤").unlink()
    run(capsys, *flags, "--score_threshold", 0.1)
    assert folders(out) == {"赤": 6, "unsure": 6, "黒_": 6, "contact_sheets": 3}


@pytest.mark.parametrize(
    ("folder", "message"), [("gone", "gone: there is no such folder"), ("empty", "empty: no picture in it")]
)
def test_mistakes_are_one_line(tmp_path, capsys, folder, message):
    (tmp_path / "empty").mkdir()
    assert main([f"--faces_dir={tmp_path / folder}", f"--output_dir={tmp_path / 'out'}"]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_faces_of_one_name_stay_apart(tmp_path):
    for number, folder in enumerate("abc"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "face.png").write_bytes(bytes([number]))
        sort_faces.copy_face(tmp_path / folder / "face.png", tmp_path / "out")
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {"face.png": b"\0", "face_2.png": b"\1", "face_3.png": b"\2"}


@pytest.mark.parametrize(("text", "name"), TABLES["folder_names"])
def test_a_folder_is_never_a_path(text, name):
    assert sort_faces.folder_name(text) == name
