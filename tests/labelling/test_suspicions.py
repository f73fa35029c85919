import pytest

from datasets.annotations import Annotation
from labelling.report import find_suspicions
from tests.conftest import tables
from tests.datasets.one_of_everything import annotation
from tests.engine.by_hand import detected


def labelled(*objects: tuple[str, tuple[float, ...]], difficult: bool = False) -> Annotation:
    names, boxes = tuple(name for name, _ in objects), [box for _, box in objects]
    return annotation("a", names, boxes, (difficult,) * len(objects))


@pytest.mark.parametrize("case", tables(__file__, "foreign")["suspicions"], ids=str)
def test_what_is_suspected(case):
    labels = labelled(*case["labels"], difficult=case.get("difficult", False))
    listed = find_suspicions(labels, detected(*case["seen"]), ("a", "b"))
    found = [[one.kind, one.name, one.suggestion, round(one.strength, 2)] for one in listed]
    assert found == case["suspected"]
