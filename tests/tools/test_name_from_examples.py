"""Names from a few boxes: made, used by a detector, added to, and refused where they say nothing."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nets.detector
from datasets.pictures import read_picture
from datasets.voc import VocObject, read_xml, write_annotation
from files.arrays import write_arrays
from labelling.example_heads import MOST, likeness_within, limit_of
from nets.detector import Detector
from nets.likeness import CONVOLUTIONS, LIKENESS, NAMES, Likeness, Names, read_names
from tests.conftest import ROOT
from tests.tools.test_doors import TABLES
from tools.name_from_examples import main


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finder of drawn heads with a likeness that keeps angles as they are (random projections do)."""
    folder = tmp_path_factory.mktemp("heads") / "heads"
    shutil.copytree(ROOT / "checkpoints" / "drawn_lite", folder)
    rng, channels, arrays = np.random.default_rng(0), 3, {}
    for name in CONVOLUTIONS:
        arrays |= {f"{name}/kernel": rng.normal(0, 0.3, (3, 3, channels, 8)), f"{name}/bias": np.zeros(8)}
        channels = 8
    arrays |= {"mean": np.zeros(272), "projection": rng.standard_normal((272, 256))}
    write_arrays(folder / LIKENESS, {**arrays, "strangers": rng.standard_normal((20, 256))})
    return folder


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch, heads: Path) -> None:
    monkeypatch.setattr(nets.detector, "HEADS", heads)


def test_heads_get_the_names_of_those_they_are_like(tmp_path: Path, capsys: Any) -> None:
    assert main([f"--dataset_dir={ROOT / 'demo'}", f"--output_dir={tmp_path}"]) == 0
    names = read_names(tmp_path)
    assert f"{len(names.names)} names in {tmp_path}" in capsys.readouterr().err
    assert max(np.bincount(names.owners)) <= MOST
    detector = Detector.load(tmp_path)
    right = []
    for xml in sorted((ROOT / "demo").glob("*.xml")):
        image, objects = read_picture(xml.with_suffix(".jpg")), read_xml(xml).objects
        boxes = np.array([one.box for one in objects], float).reshape(-1, 4)[:, [1, 0, 3, 2]]
        (look,) = detector.look([detector.prepare(image)])
        best = look.answers(boxes / np.tile(image.shape[:2], 2)).probabilities[:, 1:].argmax(1)
        right += [detector.labels[i] == one.name for i, one in zip(best, objects, strict=True)]
        (found,) = detector.detect_batch([image], all_names=True)
        assert set(found.names) <= {*names.names, "unknown"}
    assert np.mean(right) > 0.8


def labelled(folder: Path, *objects: VocObject) -> Path:
    """A data set of one picture."""
    for name in ("JPEGImages", "Annotations"):
        (folder / name).mkdir(parents=True)
    picture = folder / "JPEGImages" / "a.png"
    shutil.copy(
        ROOT / "demo" / next(one.name for one in (ROOT / "demo").iterdir() if one.suffix == ".jpg"), picture
    )
    write_annotation(folder / "Annotations" / "a.xml", picture, 384, 288, list(objects))
    return folder


def test_names_are_added_and_replaced(tmp_path: Path) -> None:
    first = labelled(
        tmp_path / "first", VocObject("Zoro", (1, 1, 90, 90)), VocObject("Nami", (99, 1, 180, 90))
    )
    more = labelled(
        tmp_path / "more", VocObject("Nami", (1, 1, 80, 80)), VocObject("路飞", (99, 99, 180, 180))
    )
    for folder in (first, more):
        assert main([f"--dataset_dir={folder}", f"--output_dir={tmp_path / 'names'}"]) == 0
    names = read_names(tmp_path / "names")
    assert (names.names, names.owners.tolist()) == (("Nami", "Zoro", "路飞"), [0, 1, 2])


@pytest.mark.parametrize(("objects", "said"), TABLES["poor_examples"])
def test_what_says_nothing_is_refused(objects: list, said: str, tmp_path: Path, capsys: Any) -> None:
    folder = labelled(tmp_path / "set", *(VocObject(name, tuple(box)) for name, box in objects))
    assert main([f"--dataset_dir={folder}", f"--output_dir={tmp_path / 'names'}"]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "names").exists()


def test_damaged_names_are_refused(tmp_path: Path) -> None:
    good: dict = {"names": np.array(["a", "b"]), "likeness": np.array("x"), "limit": np.array(0.5)}
    good |= {"vectors": np.eye(2), "owners": np.arange(2)}
    for change in ({"owners": np.zeros(2)}, {"names": np.array(["a", "a"])}, {"likeness": None}):
        write_arrays(tmp_path / NAMES, {k: v for k, v in (good | change).items() if v is not None})
        with pytest.raises(ValueError, match=r"does not hold names .*; make it anew with tools\.name_from"):
            read_names(tmp_path)
    write_arrays(tmp_path / NAMES, good)
    with pytest.raises(ValueError, match="is of another"):
        Detector.load(tmp_path)


def test_the_limit_keeps_its_promise_where_examples_can_tell() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((5, 32))

    def people(of: np.ndarray, count: int) -> np.ndarray:
        vectors = (of + 0.6 * rng.standard_normal((count, *of.shape))).reshape(-1, of.shape[-1])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    vectors, owners = people(centres, 8), np.tile(np.arange(5), 8)
    strangers = people(rng.standard_normal((400, 32)), 1)
    names = Names(tuple("abcde"), vectors, owners, limit_of(vectors, owners, strangers), "")
    right = names.cosines(people(centres, 200)).max(1)
    assert 0.005 < (right < names.limit).mean() < 0.10
    assert likeness_within(vectors[:1]).size == 0
    few = Names(tuple("abcde"), vectors[:5], owners[:5], limit_of(vectors[:5], owners[:5], strangers), "")
    assert (few.cosines(people(rng.standard_normal((400, 32)), 1)).max(1) >= few.limit).mean() < 0.35


def test_a_checkpoint_without_likeness_is_named() -> None:
    with pytest.raises(ValueError, match=r"drawn_lite has no likeness\.npz"):
        Likeness.load(ROOT / "checkpoints" / "drawn_lite")
