import numpy as np
import pytest

from boxes.detections import Detections
from datasets.annotations import Annotation
from labelling.report import find_suspicions
from tests.datasets.one_of_everything import annotation

LEFT, RIGHT = (0.1, 0.1, 0.5, 0.4), (0.1, 0.6, 0.5, 0.9)


def labelled(*objects: tuple[str, tuple[float, ...]], difficult: bool = False) -> Annotation:
    names, boxes = tuple(name for name, _ in objects), [box for _, box in objects]
    return annotation("a", names, boxes, (difficult,) * len(objects))


def found(*detections: tuple[str, float, tuple[float, ...]]) -> Detections:
    return Detections(
        np.array([box for _, _, box in detections], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in detections], np.float32),
        tuple(name for name, _, _ in detections),
    )


WRONG, NOBODY, MISSING = ("wrong name?", "a", "b"), ("nobody there?", "a", ""), ("not labelled?", "", "a")


@pytest.mark.parametrize(
    ("labels", "detections", "suspected"),
    [
        (labelled(("a", LEFT)), found(("a", 0.9, LEFT), ("b", 0.1, LEFT)), []),
        (labelled(), found(), []),
        (labelled(("a", LEFT)), found(("b", 0.85, LEFT), ("a", 0.4, LEFT)), []),  # it wavers
        (labelled(("a", LEFT)), found(("b", 0.95, LEFT)), [WRONG]),
        (labelled(("c", LEFT)), found(("b", 0.95, LEFT)), []),  # of a name that it does not know
        (labelled(("a", LEFT)), found(("a", 0.9, RIGHT)), [NOBODY, MISSING]),
        (labelled(("a", LEFT)), found(), [NOBODY]),
        (labelled(("c", LEFT)), found(), [("nobody there?", "c", "")]),
        (labelled(("a", LEFT), difficult=True), found(), []),
        # A face without label is suspected once.
        (labelled(), found(("a", 0.95, LEFT), ("b", 0.85, LEFT), ("b", 0.7, RIGHT)), [MISSING]),
    ],
)
def test_what_is_suspected(labels, detections, suspected):
    listed = find_suspicions(labels, detections, ("a", "b"))
    assert [(one.kind, one.name, one.suggestion) for one in listed] == suspected


def test_the_strongest_comes_first():
    labels = labelled(("a", LEFT), ("a", RIGHT))
    suspicions = find_suspicions(labels, found(("b", 0.85, LEFT)), ("a", "b"))
    assert [one.kind for one in suspicions] == ["nobody there?", "wrong name?"]
    assert [round(one.strength, 2) for one in suspicions] == [1.0, 0.85]
