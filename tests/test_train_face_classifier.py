import shutil
from pathlib import Path

import numpy as np
import pytest

import eval_face_classifier
import train_face_classifier
from datasets.pictures import read_picture
from faces import classifier as seeing
from faces import folder as face_folder
from faces.classifier import FaceClassifier
from tests.conftest import ROOT, read_json, tables
from tests.datasets.one_of_everything import rows
from tests.drawn_faces import HAIR, drawn_face, write_faces


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    """A ninth of the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeing, "SIDE", 32)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with faces/, cache/ and run/, the classifier trained on them."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(3)
    write_faces(folder / "faces", rng, each=14, sources=7)
    (folder / "faces" / "ao" / "broken.png").write_bytes(b"no picture")
    assert train(folder, "run") == 0
    return folder


def train(folder: Path, run: str | Path, *more: str) -> int:
    places = {"faces_dir": "faces", "train_dir": run, "cache_dir": "cache"}
    given = [f"--{flag}={folder / place}" for flag, place in places.items()]
    return train_face_classifier.main([*given, "--left_out=2", *more])


def evaluate(folder: Path, eval_dir: Path, *more: str) -> int:
    given = [f"--checkpoint_path={folder / 'run'}", f"--cache_dir={folder / 'cache'}"]
    return eval_face_classifier.main([*given, f"--eval_dir={eval_dir}", *more])


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_what_a_training_leaves(trained):
    run = trained / "run"
    report = read_json(run / "report.json")
    assert report["top1"] > 0.8
    assert set(report["names"]) == set(HAIR)
    assert report["unknown"]["strangers"] > 0
    counts = read_json(run / "config.json")["faces"].values()
    assert sum(sum(parts.values()) for parts in counts) == 56
    html, problems = ((run / name).read_text(encoding="utf-8") for name in ("report.html", "problems.csv"))
    assert "赤井" in html
    assert "http" not in html.replace("http://www.w3.org", "")
    assert "broken.png" in problems
    faces = rows(run / "faces.csv")
    assert len(faces) == 56
    assert len({(row["source"], row["split"]) for row in faces}) == len({row["source"] for row in faces})
    assert not list(run.rglob(".*.tmp"))


def test_the_classifier_names_new_faces(trained):
    classifier = FaceClassifier.load(trained / "run")
    rng = np.random.default_rng(99)
    names = 5 * list(HAIR)
    answers = classifier.answers([drawn_face(HAIR[name], rng) for name in names])
    assert sum(answer.names[0] == name for answer, name in zip(answers, names, strict=True)) >= 16


def test_the_same_training_again_computes_only_what_is_damaged(trained, capsys):
    victim = sorted((trained / "cache").rglob("??/*.npz"))[0]
    victim.write_bytes(b"damaged")
    assert train(trained, "again", "--left_out=0") == 0
    assert "1 faces looked at" in printed(capsys)
    first, second = (FaceClassifier.load(trained / run).head.kernel for run in ("run", "again"))
    np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-3)


def test_the_limit_of_pixels_holds_wherever_a_face_is_read(trained, tmp_path, monkeypatch):
    """A raised --max_pixels did not reach the sheets: they refused what was learnt from."""
    limits = []

    def reading(path, *, turn, max_pixels):
        limits.append(max_pixels)
        return read_picture(path, turn=turn, max_pixels=max_pixels)

    monkeypatch.setattr(face_folder, "read_picture", reading)
    limit = "--max_pixels=4000"
    shutil.rmtree(trained / "cache")
    assert train(trained, "limited", limit, "--left_out=0") == 0
    assert len(limits) >= 56  # all once, and what the sheets show
    faces = f"--faces_dir={trained / 'faces'}"
    assert evaluate(trained, tmp_path, faces, limit) == 0
    assert set(limits) == {4000}


def test_any_folder_can_be_measured(trained, tmp_path, capsys):
    rng = np.random.default_rng(7)
    other = write_faces(tmp_path / "other", rng, each=3)
    (other / "kuro").rename(other / "somebody new")
    assert evaluate(trained, tmp_path / "eval", f"--faces_dir={other}") == 0
    assert "3 faces count as strangers': somebody new" in printed(capsys)
    report = read_json(tmp_path / "eval" / "report.json")
    assert (report["faces"], report["unknown"]["strangers"]) == (9, 3)
    assert report["names"]["kuro"]["recall"] is None
    assert len((tmp_path / "eval" / "answers.csv").read_text(encoding="utf-8").splitlines()) == 13


def test_faces_that_were_trained_on_are_told(trained, tmp_path, capsys):
    faces = f"--faces_dir={trained / 'faces'}"
    assert evaluate(trained, tmp_path / "all", faces) == 0
    assert "were learnt from: results flatter. What it never saw" in printed(capsys)


@pytest.mark.parametrize(("argument", "message"), tables(__file__, "mistakes")["face_flags"])
def test_wrong_flags_are_named(tmp_path, capsys, argument, message):
    with pytest.raises(SystemExit, match="2"):
        train(tmp_path, "run", argument)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("program", "arguments", "message"), tables(__file__, "mistakes")["faces"])
def test_mistakes_are_one_line(trained, tmp_path, rng, capsys, program, arguments, message):
    names = {name: tmp_path / name for name in ("alone", "other", "nobody", "others", "damaged")}
    there = '{"kind": "face_classifier", "names": ["kuro", "somebody"]}'
    for name, config in (("others", there), ("damaged", "")):
        names[name].mkdir()
        (names[name] / "config.json").write_text(config)
    write_faces(names["other"], rng, each=1)
    shutil.copytree(trained / "faces" / "ao", names["alone"] / "ao")
    shutil.copytree(trained / "faces" / "ao", names["nobody"] / "else")
    names["detector"] = ROOT / "checkpoints" / "drawn_lite"
    run = {"train": train, "evaluate": evaluate}[program]
    assert run(trained, tmp_path / "out", *(one.format(**names) for one in arguments)) == 1
    said = capsys.readouterr().err
    assert message.format(**names) in said
    assert said.count("\n") == 1
