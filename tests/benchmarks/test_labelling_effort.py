"""What a person has to do to turn drafts into the truth, counted."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.labelling_effort import Effort, Options, asked_for, effort_for, measure, objects_of
from datasets.voc import VocObject, write_annotation
from tests.conftest import tables

BOX = np.array([[0.2, 0.2, 0.6, 0.6]])


@pytest.mark.parametrize(("drafts", "names", "effort"), tables(__file__)["efforts"])
def test_effort_for_one_box(drafts: list, names: list[str], effort: dict[str, int]) -> None:
    assert effort_for(np.reshape(drafts, (-1, 4)), names, BOX, ["a"]) == Effort(**effort, pictures=1)


def test_time_is_that_of_the_boxes_and_of_looking() -> None:
    assert Effort(right=5, moved=1, renamed=2, drawn=3, deleted=4, pictures=10).seconds == 5 + 8 + 30 + 8 + 20
    assert Effort(right=5).seconds == 0
    assert effort_for(BOX[:0], [], BOX[:0], []) == Effort(untouched=1, pictures=1)  # nobody is in it


def test_folders(tmp_path: Path) -> None:
    options, sides = Options(tmp_path / "drafts", tmp_path / "truth"), (1, 1, 50, 50)
    cut = VocObject("c", (90, 1, 100, 50), difficult=1)
    for folder, names, others in ((options.drafts_dir, "a", []), (options.truth_dir, "ab", [cut])):
        folder.mkdir()
        objects = [*(VocObject(name, sides) for name in names), *others]
        write_annotation(folder / "x.xml", Path("x.jpg"), 100, 100, objects)
    effort, boxes = measure(options)
    assert (effort, boxes) == (Effort(right=1, drawn=1, pictures=1), 2), "less than half a head needs none"
    truth = objects_of(options.truth_dir / "x.xml")
    assert asked_for(truth, truth.boxes[2:])[1] == ["a", "b", "c"], "but a draft of it has to be right"
    (options.drafts_dir / "x.xml").unlink()
    with pytest.raises(ValueError, match="have no XML of the same name"):
        measure(options)
