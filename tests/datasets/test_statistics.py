from datasets.annotations import Annotation, set_statistics
from datasets.problems import Problem, group_problems, write_problems
from datasets.splits import coverage_notes
from tests.datasets.one_of_everything import TABLES, annotation


def _annotation(stem: str, *names: str, **size: int) -> Annotation:
    boxes = [[0.1, 0.2, 0.1 + 0.1 * (number + 1), 0.4] for number in range(len(names))]
    return annotation(stem, names, boxes, [number == 0 for number in range(len(names))], **size)


def test_counts():
    wide = {"width": 640, "height": 360}
    first, second = _annotation("e1_1", "Mira", "Tobi", "Mira", **wide), _annotation("e1_2", **wide)
    assert set_statistics([first, second, _annotation("e2_1", "Mira")]) == TABLES["counts"]
    nothing = set_statistics([])
    assert (nothing["pictures"], nothing["boxes"], nothing["max_boxes"], nothing["names"]) == (0, 0, 0, {})


def test_notes():
    train = set_statistics([_annotation(f"a_{number}", "Mira", "Tobi") for number in range(20)])
    test = set_statistics([_annotation("b_1", "Mira", "Fen")])
    assert coverage_notes({"train": train}, "source") == []
    notes = coverage_notes({"train": train, "test": test}, "source")
    assert len(notes) == 2
    assert notes[0].startswith("test has names that train has not, so they will never be found: Fen.")
    assert "--split_by picture" in notes[0]
    assert notes[1] == "test has no box of: Tobi; nothing will be known of them there."
    assert "--split_by" not in coverage_notes({"train": train, "test": test}, "lists")[0]
    few = set_statistics([_annotation("a_1", "Mira")])
    (note,) = coverage_notes({"train": few}, "picture")
    assert note.startswith("Fewer than 20 boxes to train on: Mira (1). More of them help most")
    assert coverage_notes({"voc_2007_train": few}, "output_name") == []


def test_problems_are_grouped_by_kind_and_action():
    problems = [
        Problem("b.xml", "1: Mira", "empty box", "(1, 1, 1, 1)", "object dropped"),
        Problem("a.xml", "", "not well-formed XML", "line 1", "left out"),
        Problem("a.xml", "2", "empty box", "(2, 1, 2, 1)", "object dropped"),
    ]
    assert group_problems(problems) == [
        (2, "empty box", "object dropped", "b.xml 1: Mira"),
        (1, "not well-formed XML", "left out", "a.xml"),
    ]


def test_problems_csv(tmp_path):
    path = tmp_path / "problems.csv"
    write_problems(path, [])
    assert path.read_bytes() == b"file,object,reason,action\n"
    odd = Problem("a\udcff\x1b[31m.xml", '1: "千反田", 姉', "empty box", "", "object dropped")
    write_problems(path, [odd])
    (line,) = path.read_text(encoding="utf-8").splitlines()[1:]
    assert line == 'a\\xff\ufffd[31m.xml,"1: ""千反田"", 姉",empty box,object dropped'
