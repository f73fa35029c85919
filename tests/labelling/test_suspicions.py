import pytest

from datasets.annotations import Annotation
from labelling.report import find_suspicions
from tests.conftest import tables
from tests.datasets.one_of_everything import annotation
from tests.engine.by_hand import detected

LEFT, RIGHT = (0.1, 0.1, 0.5, 0.4), (0.1, 0.6, 0.5, 0.9)


def labelled(*objects: tuple[str, tuple[float, ...]], difficult: bool = False) -> Annotation:
    names, boxes = tuple(name for name, _ in objects), [box for _, box in objects]
    return annotation("a", names, boxes, (difficult,) * len(objects))


@pytest.mark.parametrize("case", tables(__file__, "foreign")["suspicions"], ids=str)
def test_what_is_suspected(case):
    labels = labelled(*case["labels"], difficult=case.get("difficult", False))
    listed = find_suspicions(labels, detected(*case["seen"]), ("a", "b"))
    assert [[one.kind, one.name, one.suggestion] for one in listed] == case["suspected"]


def test_the_strongest_comes_first():
    labels = labelled(("a", LEFT), ("a", RIGHT))
    suspicions = find_suspicions(labels, detected(("b", 0.85, LEFT)), ("a", "b"))
    assert [one.kind for one in suspicions] == ["nobody there?", "wrong name?"]
    assert [round(one.strength, 2) for one in suspicions] == [1.0, 0.85]
