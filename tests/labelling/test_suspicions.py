from pathlib import Path

import numpy as np

from boxes.detections import Detections
from datasets.annotations import Annotation
from labelling.suspicions import find_suspicions

LEFT, RIGHT = (0.1, 0.1, 0.5, 0.4), (0.1, 0.6, 0.5, 0.9)


def labelled(*objects: tuple[str, tuple[float, ...]], difficult: bool = False) -> Annotation:
    return Annotation(
        path=Path("a.jpg"), name="a.jpg", stem="a", xml=None, width=100, height=100, turned=False,
        keep_bytes=True, digest=b"", boxes=np.array([box for _, box in objects], np.float32).reshape(-1, 4),
        names=tuple(name for name, _ in objects), difficult=(difficult,) * len(objects),
        truncated=(False,) * len(objects),
    )  # fmt: skip


def found(*detections: tuple[str, float, tuple[float, ...]]) -> Detections:
    return Detections(
        np.array([box for _, _, box in detections], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in detections], np.float32),
        tuple(name for name, _, _ in detections),
    )


def kinds(annotation: Annotation, detections: Detections, labels=("a", "b")) -> list[tuple[str, str, str]]:
    return [(one.kind, one.name, one.suggestion) for one in find_suspicions(annotation, detections, labels)]


def test_agreement_is_not_suspicious():
    assert kinds(labelled(("a", LEFT)), found(("a", 0.9, LEFT), ("b", 0.1, LEFT))) == []
    assert kinds(labelled(), found()) == []
    assert kinds(labelled(("a", LEFT)), found(("b", 0.85, LEFT), ("a", 0.4, LEFT))) == []  # it wavers


def test_a_wrong_name_is_suspected():
    assert kinds(labelled(("a", LEFT)), found(("b", 0.95, LEFT))) == [("wrong name?", "a", "b")]


def test_of_a_name_that_it_does_not_know_it_says_nothing():
    assert kinds(labelled(("c", LEFT)), found(("b", 0.95, LEFT))) == []


def test_a_box_that_nobody_sees_is_suspected_unless_it_is_difficult():
    assert kinds(labelled(("a", LEFT)), found(("a", 0.9, RIGHT)))[1:] == [("not labelled?", "", "a")]
    assert kinds(labelled(("a", LEFT)), found()) == [("nobody there?", "a", "")]
    assert kinds(labelled(("c", LEFT)), found()) == [("nobody there?", "c", "")]
    assert kinds(labelled(("a", LEFT), difficult=True), found()) == []


def test_a_face_without_label_is_suspected_once():
    detections = found(("a", 0.95, LEFT), ("b", 0.85, LEFT), ("b", 0.7, RIGHT))
    assert kinds(labelled(), detections) == [("not labelled?", "", "a")]


def test_the_strongest_comes_first():
    annotation = labelled(("a", LEFT), ("a", RIGHT))
    suspicions = find_suspicions(annotation, found(("b", 0.85, LEFT)), ("a", "b"))
    assert [one.kind for one in suspicions] == ["nobody there?", "wrong name?"]
    assert [round(one.strength, 2) for one in suspicions] == [1.0, 0.85]
