"""Names from a few boxes: made, used by a detector, added to, and refused where they say nothing."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nets.detector
from boxes.detections import Detections, ranked
from boxes.geometry import from_pixels
from datasets.pictures import read_picture
from datasets.voc import VocObject, read_xml, write_annotation
from files.reading import read_arrays
from files.writing import write_arrays
from labelling.drafts import checkpoint_finder
from labelling.example_heads import MOST, around, likeness_within, names_with, promised
from nets.detector import Detector, NamingDetector, SurerDetector
from nets.likeness import CONVOLUTIONS, LIKENESS, NAMES, Likeness, Names, head_in, head_of, read_names
from tests.conftest import ROOT
from tests.tools.test_doors import TABLES
from tools.name_from_examples import main
from web.verdicts import answers_for


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finder of drawn heads with a likeness that keeps angles as they are (random projections do)."""
    folder = tmp_path_factory.mktemp("heads") / "heads"
    shutil.copytree(ROOT / "checkpoints" / "drawn_lite", folder)
    rng, channels, arrays = np.random.default_rng(0), 3, {}
    for name in CONVOLUTIONS:
        arrays |= {f"{name}/kernel": rng.normal(0, 0.3, (3, 3, channels, 8)), f"{name}/bias": np.zeros(8)}
        channels = 8
    arrays |= {"mean": np.zeros(272), "projection": rng.standard_normal((272, 128))}
    for kind in ("head", "cut"):
        arrays |= {f"{kind}/hidden": np.zeros((272, 1)), f"{kind}/out": np.zeros(1)}
    write_arrays(folder / LIKENESS, {**arrays, "strangers": rng.standard_normal((20, 128))})
    return folder


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch, heads: Path) -> None:
    monkeypatch.setattr(nets.detector, "HEADS", heads)


def test_heads_get_the_names_of_those_they_are_like(tmp_path: Path, capsys: Any) -> None:
    assert main([f"--dataset_dir={ROOT / 'demo'}", f"--output_dir={tmp_path}"]) == 0
    names = read_names(tmp_path)
    assert f"{len(names.names)} names in {tmp_path}" in capsys.readouterr().err
    assert max(np.bincount(names.owners)) <= MOST
    detector, right = Detector.load(tmp_path), []
    for xml in sorted((ROOT / "demo").glob("*.xml")):
        image, objects = read_picture(xml.with_suffix(".jpg")), read_xml(xml).objects
        boxes = from_pixels(np.array([one.box for one in objects], float).reshape(-1, 4), *image.shape[:2])
        (look,) = detector.look([detector.prepare(image)])
        best = answers_for(look, boxes).probabilities[:, 1:].argmax(1)
        right += [detector.labels[i] == one.name for i, one in zip(best, objects, strict=True)]
        (found,) = detector.detect_batch([image], all_names=True)
        assert set(found.names) <= {*names.names, "unknown"}
    assert np.mean(right) > 0.8


def test_a_second_look_tells_heads_from_what_is_none() -> None:
    likeness, said, cut = Likeness.load(ROOT / "checkpoints" / "anime_heads"), {True: [], False: []}, []
    windows = [(x, y, x + 128, y + 128) for x in range(1, 380, 64) for y in range(1, 380, 64)]
    for xml in sorted((ROOT / "demo").glob("*.xml")):
        image, there = read_picture(xml.with_suffix(".jpg")), read_xml(xml).objects
        boxes = from_pixels(np.array([one.box for one in there] or windows, float), *image.shape[:2])
        whole = [head_of(image, box) for box in boxes]
        parts = [head[:, : 6 * head.shape[1] // 10] for head in whole if there]  # as a border cuts them off
        for heads, scores, edge in ((whole, said[bool(there)], 0.1), (parts, cut, 0.0)):
            found = ranked((0.5, np.array([0.1, edge, 0.9, 0.9]), "head") for _ in heads)
            scores += likeness.surer(found, likeness.rows(heads)).tolist()
    assert np.mean(np.array(said[True]) > 0.5) > 0.9 < np.mean(np.array(said[False]) < 0.5)
    assert np.mean(cut) > 0.5


def labelled(folder: Path, *heads: tuple[str, Any]) -> Path:
    """A data set of one picture."""
    for name in ("JPEGImages", "Annotations"):
        (folder / name).mkdir(parents=True)
    picture = folder / "JPEGImages" / "a.png"
    shutil.copy(min((ROOT / "demo").glob("*.jpg")), picture)
    objects = [VocObject(name, tuple(box)) for name, box in heads]
    write_annotation(folder / "Annotations" / "a.xml", picture, 384, 288, objects)
    return folder


def test_names_are_added_and_replaced(tmp_path: Path) -> None:
    first = labelled(tmp_path / "first", ("Zoro", (1, 1, 90, 90)), ("Nami", (99, 1, 180, 90)))
    more = labelled(tmp_path / "more", ("Nami", (1, 1, 80, 80)), ("路飞", (99, 99, 180, 180)))
    for folder in (first, more):
        assert main([f"--dataset_dir={folder}", f"--output_dir={tmp_path / 'names'}"]) == 0
    names = read_names(tmp_path / "names")
    assert (names.names, names.owners.tolist()) == (("Nami", "Zoro", "路飞"), [0, 1, 2])


@pytest.mark.parametrize(("objects", "said"), TABLES["poor_examples"])
def test_what_says_nothing_is_refused(objects: list, said: str, tmp_path: Path, capsys: Any) -> None:
    folder = labelled(tmp_path / "set", *objects)
    assert main([f"--dataset_dir={folder}", f"--output_dir={tmp_path / 'names'}"]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "names").exists()


def test_damaged_names_are_refused(tmp_path: Path) -> None:
    good: dict = {"names": np.array(["a", "b"]), "digest": np.array("x"), "limit": np.array(0.5)}
    good |= {"vectors": np.eye(2), "owners": np.arange(2), "around": np.zeros((2, 4))}
    wrong = {"owners": np.zeros(2)}, {"names": np.array(["a", "a"])}, {"digest": None}, {"around": np.eye(2)}
    for change in wrong:
        write_arrays(tmp_path / NAMES, {k: v for k, v in (good | change).items() if v is not None})
        with pytest.raises(ValueError, match=r"does not hold names .*; make it anew with tools\.name_from"):
            read_names(tmp_path)
    for digest in ("x", Likeness.load(nets.detector.HEADS).digest):  # the latter's vectors are too short
        write_arrays(tmp_path / NAMES, good | {"digest": np.array(digest)})
        with pytest.raises(ValueError, match="is of another"):
            Detector.load(tmp_path)


def test_the_limit_keeps_its_promise_where_examples_can_tell() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((5, 32))

    def people(of: np.ndarray, count: int) -> np.ndarray:
        vectors = (of + 0.6 * rng.standard_normal((count, *of.shape))).reshape(-1, of.shape[-1])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    likeness: Any = SimpleNamespace(of_anybody=lambda vectors: np.zeros(len(vectors)), digest="")
    known = {
        name: (people(one[None], 8), np.zeros((8, 4))) for name, one in zip("abcde", centres, strict=True)
    }
    names = names_with(None, known, likeness)

    def nobody(some: np.ndarray) -> float:
        return (names.probabilities(some, np.zeros(len(some))).argmax(1) == 0).mean()

    lost, named = nobody(people(centres, 200)), 1 - nobody(people(rng.standard_normal((400, 32)), 1))
    assert 0.005 < lost < 0.10
    said = [int(number) for number in re.findall(r"(\d+) (?:get|lose)", promised(names, likeness))]
    assert said == [pytest.approx(100 * named, abs=8), pytest.approx(100 * lost, abs=8)]
    few = names_with(None, {name: (known[name][0][:1], known[name][1][:1]) for name in "ab"}, likeness)
    assert (promised(few, likeness), likeness_within(few.vectors[:1]).size) == ("", 0)


def test_both_parts_of_a_vector_vote() -> None:
    alike = np.eye(128)[[0, 0, 1, 1]]  # by which nobody could be told
    vectors = np.hstack([alike, np.eye(3)[[0, 1, 0, 1]]])
    names = Names(("a", "b"), vectors, np.array([0, 1, 0, 1]), np.zeros((4, 4)), 0.0, "")
    assert names.votes(vectors).argmax(1).tolist() == [0, 1, 0, 1]
    often = np.repeat([0, 1], (20, 1))  # twenty examples of one name, one of the other
    names = Names(("a", "b"), vectors[often * 3], often, np.zeros((21, 4)), 0.0, "")
    assert names.votes((0.45 * vectors[0] + 0.55 * vectors[3])[None]).argmax() == 1


def test_the_head_in_a_box_is_the_example() -> None:
    body, heads = np.array([0.1, 0.1, 0.9, 0.5]), np.array([[0.15, 0.2, 0.35, 0.4], [0.6, 0.2, 0.8, 0.4]])
    found = Detections(np.vstack([heads[1], heads[0], body]), np.array([0.9, 0.8, 0.1]), ("head",) * 3)
    head = head_in(body, found)
    assert (head.tolist(), around(body, head).any()) == (heads[0].tolist(), False)
    wide = np.array([0.14, 0.18, 0.36, 0.44])
    code = around(wide, head_in(wide, found))
    names = Names(("a", "b"), np.eye(2), np.arange(2), np.stack([code, np.zeros(4)]), 0.0, "")
    assert names.boxes_of(heads[:1]) == pytest.approx(wide[None], abs=1e-6)
    assert head_in(np.array([0.7, 0.6, 0.9, 0.9]), found).tolist() == [0.7, 0.6, 0.9, 0.9]


def test_a_network_of_its_own_finds_the_heads(tmp_path: Path, capsys: Any) -> None:
    run = Path(shutil.copytree(ROOT / "checkpoints" / "drawn_lite", tmp_path / "run"))
    (run / "labels.txt").write_text("".join(f"{number}:head {number}\n" for number in range(1, 9)))
    weights = read_arrays(run / "weights.npz")
    write_arrays(run / "weights.npz", {key: 0 * value for key, value in weights.items()})
    assert main([f"--dataset_dir={ROOT / 'demo'}", f"--output_dir={run}"]) == 0
    assert "it only finds heads now" in " ".join(capsys.readouterr().err.split())
    named = Detector.load(run)
    assert type(named) is NamingDetector
    model: Any = named.model
    assert not any(np.any(one) for one in model.get_weights())


def test_a_network_gets_surer_of_names_that_it_knows(tmp_path: Path, capsys: Any) -> None:
    run = tmp_path / "run"
    shutil.copytree(ROOT / "checkpoints" / "drawn_lite", run)
    assert main([f"--dataset_dir={ROOT / 'demo'}", f"--output_dir={run}"]) == 0
    assert "beside what its network says" in capsys.readouterr().err
    alone, arrays, seen = Detector.trained(run), read_arrays(run / NAMES), []
    image = read_picture(ROOT / "demo" / "episode15_000012.jpg")
    others = arrays["owners"] != 0
    fewer = {key: arrays[key][others] for key in ("vectors", "around")}
    fewer |= {"names": arrays["names"][1:], "owners": arrays["owners"][others] - 1}
    for examples in ({}, {"names": np.roll(arrays["names"], 1)}, fewer):
        write_arrays(run / NAMES, arrays | examples)
        both = Detector.load(run)
        assert (type(both), both.labels, both.thresholds) == (SurerDetector, alone.labels, alone.thresholds)
        found = both.detect(image, score_threshold=0.3)
        seen.append(dict(zip(found.names, found.scores, strict=True)))
    right, wrong, _ = seen
    assert all({*one} == {*alone.detect(image).names} for one in seen)
    assert sum(wrong.values()) < sum(right.values())


def test_where_heads_are_asked_for_names_beside_the_weights_change_nothing(tmp_path: Path) -> None:
    plain, named = ROOT / "checkpoints" / "drawn_lite", tmp_path / "run"
    shutil.copytree(plain, named)
    assert main([f"--dataset_dir={ROOT / 'demo'}", f"--output_dir={named}"]) == 0
    image = read_picture(ROOT / "demo" / "episode15_000012.jpg")
    before, after = (checkpoint_finder(folder, 0.1)([image])[0] for folder in (plain, named))
    assert len(before) >= 4
    assert (after.boxes == before.boxes).all()
    assert (after.scores == before.scores).all()


def test_a_checkpoint_without_likeness_is_named() -> None:
    with pytest.raises(ValueError, match=r"drawn_lite has no likeness\.npz"):
        Likeness.load(ROOT / "checkpoints" / "drawn_lite")
