from pathlib import Path

import numpy as np
from PIL import Image

from datasets.annotations import ReadOptions, read_folder
from labelling.report import write_suspicions
from tests.conftest import files_of, tree
from tests.datasets.one_of_everything import labelled, rows
from tests.engine.by_hand import detected
from tests.seeing import Seeing
from tests.video.small_videos import scene
from tools.check_annotations import main


def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    for i in range(12):
        labelled(folder / f"ep{i:02}_001.png", scene(i), "千反田", "折木")
    train = "".join(f"ep{i:02}_001\n" for i in range(10))
    tree(folder / "ImageSets/Main", {"train.txt": train, "test.txt": "ep10_001\nep11_001\n"})
    return folder


def test_reports_without_converting(tmp_path, capsys):
    folder, out = dataset(tmp_path), tmp_path / "out"
    brighter = np.clip(scene(3).astype(int) + 4, 0, 255).astype(np.uint8)
    labelled(folder / "ep10_001.png", brighter, "千反田")  # the test set has a picture of the training again
    (folder / "ep05_001.png").write_bytes(b"no picture")
    before = files_of(folder)
    assert main(["--dataset_dir", str(folder), "--output_dir", str(out)]) == 0
    assert "1 pairs of pictures in different splits" in " ".join(capsys.readouterr().out.split())
    assert files_of(folder) == before
    assert {path.name for path in out.iterdir()} == {
        "dataset.png", "names.csv", "near_duplicates.csv", "near_duplicates.jpg", "problems.csv",
    }  # fmt: skip
    (pair,) = rows(out / "near_duplicates.csv")
    assert set(pair.values()) == {"ep03_001.png", "train", "ep10_001.png", "test"}
    (problem,) = rows(out / "problems.csv")
    assert problem["file"] == "ep05_001.png"
    counts = {(row["split"], row["name"]): row["boxes"] for row in rows(out / "names.csv")}
    assert counts == {
        ("train", "千反田"): "9", ("train", "折木"): "9", ("test", "千反田"): "2", ("test", "折木"): "1",
    }  # fmt: skip


def test_a_clean_folder_leaves_no_old_sheet_and_mistakes_are_one_line(tmp_path, capsys):
    folder, out = dataset(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "near_duplicates.jpg").write_bytes(b"of an earlier run")
    assert main(["check", "--dataset_dir", str(folder), "--output_dir", str(out)]) == 0
    assert not (out / "near_duplicates.jpg").exists()
    assert rows(out / "near_duplicates.csv") == rows(out / "problems.csv") == []
    capsys.readouterr()
    assert main(["--dataset_dir", str(folder / "ImageSets"), "--output_dir", str(out)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("check_annotations: error: nothing to convert: looked for")
    assert said.count("\n") == 1


def sees(*found: tuple[str, float, tuple[float, ...]]) -> Seeing:
    """A detector that finds the same in every picture, by default nothing."""
    return Seeing(lambda image: detected(*found), ("千反田", "折木"))


def test_suspicious_labels_are_listed_with_a_sheet(tmp_path):
    detector = sees(("折木", 0.97, (2 / 72, 2 / 96, 18 / 72, 18 / 96)))
    labelled(tmp_path / "set" / "a_1.png", scene(1), "千反田")
    labelled(tmp_path / "set" / "b_1.png", scene(2), "折木", "折木")
    annotations = read_folder(tmp_path / "set", ReadOptions()).annotations
    counts = write_suspicions(tmp_path, annotations, detector, lambda what, done, total: None)
    assert counts == {"nobody there?": 1, "wrong name?": 1}
    assert all(all_names for _, all_names in detector.asked)  # a less likely name says something too
    assert [list(row.values()) for row in rows(tmp_path / "suspicious.csv")] == [
        ["a_1.png", "wrong name?", "千反田", "折木", "0.970", "2", "2", "18", "18"],
        # One of three labels it does not see: that says less than a name of which it is sure.
        ["b_1.png", "nobody there?", "折木", "", "0.667", "22", "2", "38", "18"],
    ]
    with Image.open(tmp_path / "suspicious.jpg") as sheet:
        assert sheet.width > 200


def test_a_detector_that_sees_nobody_is_no_judge(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("nets.detector.Detector.load", lambda folder: sees())
    folder = dataset(tmp_path)
    flags = "--dataset_dir", str(folder), "--output_dir", str(tmp_path / "out"), "--checkpoint_path", "any"
    assert main(flags) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "24 × nobody there?" in said
    assert "The detector sees nobody in most of the boxes" in said
