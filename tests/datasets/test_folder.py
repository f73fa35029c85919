import pytest

from datasets.annotations import PictureFacts, ReadOptions, choose_frame, read_folder
from datasets.folder import find_files, growing_dirs
from datasets.splits import SplitOptions
from datasets.voc import RawAnnotation, RawObject, VocObject
from labelling.drafts import write_draft
from tests.conftest import tree
from tests.datasets.one_of_everything import draw, write_one_of_everything, xml_object, xml_text
from tests.datasets.test_splits import TABLES


def test_one_of_everything(tmp_path):
    expected = write_one_of_everything(tmp_path / "set")
    reading = read_folder(tmp_path / "set", ReadOptions())
    problems = [*reading.problems, *reading.assign(SplitOptions()).problems]
    said = {(problem.file, problem.object, problem.kind, problem.action) for problem in problems}
    assert said == expected
    assert len(said) == len(problems)

    # What is good was taken, and nothing else said about it.
    good = {path.stem for path in (tmp_path / "set" / "JPEGImages").glob("ok_*")}
    taken = {annotation.path.stem: annotation for annotation in reading.annotations}
    assert good <= set(taken)
    for stem in good - {"ok_nothing_on_it_1"}:
        assert taken[stem].boxes.shape == (1, 4), stem
    assert taken["ok_nothing_on_it_1"].boxes.shape == (0, 4)
    assert next(one for one in reading.annotations if one.stem == "ok_がくえん_1").names == ("千反田",)
    assert taken["ok_old_difficult_1"].difficult == (True,)
    assert reading.contents.ignored == {".txt": 1}

    # The boxes of a turned and of a resized picture.
    turned, resized = taken["exif_turned_1"], taken["resized_1"]
    assert (turned.width, turned.height, turned.turned, turned.keep_bytes) == (64, 96, True, False)
    assert turned.boxes[0].tolist() == pytest.approx([5 / 96, 5 / 64, 40 / 96, 30 / 64])
    assert resized.boxes[0].tolist() == pytest.approx([10 / 64, 20 / 96, 50 / 64, 60 / 96])
    assert taken["exif_stored_1"].keep_bytes


@pytest.mark.parametrize("case", TABLES["frames"], ids=str)
def test_frame(case):
    stored, box = tuple(case["stored"]), case.get("box", ["10", "20", "300", "350"])
    facts = PictureFacts(stored, orientation=case["orientation"], plain_jpeg=True, digest=b"")
    objects = (RawObject("Mira", tuple(box), None, None),) if box else ()
    said = tuple(case["said"]) if "said" in case else None
    frame = choose_frame(facts, RawAnnotation(None, said, objects))
    assert (frame.turned, frame.reference) == (case["turned"], tuple(case["reference"]))
    assert frame.size == (facts.turned_size if frame.turned else stored)
    assert (frame.problem[0] if frame.problem else None) == case.get("kind")


@pytest.mark.parametrize("case", TABLES["partners"], ids=lambda case: case["files"])
def test_partners(tmp_path, case):
    tree(tmp_path, case["files"].split())
    for xml, filename in case.get("filenames", {}).items():
        (tmp_path / xml).write_text(xml_text(head=f"<filename>{filename}</filename>"))
    contents = find_files(tmp_path, exclude=[tmp_path / "records", tmp_path / "dataset.png"])
    found = {file.name: file.xml and file.xml.relative_to(tmp_path).as_posix() for file in contents.files}
    assert found == {name: xml or None for name, xml in case["xml_of"].items()}


@pytest.mark.parametrize("case", TABLES["new_xml"], ids=lambda case: case["files"])
def test_new_xml_go_to_those_that_are_there(tmp_path, case):
    new, contents = case["new"], find_files(tree(tmp_path, case["files"].split()))
    assert growing_dirs(tmp_path) == tuple(tmp_path / name for name in case["grows"].split())
    assert {name: contents.new_xml(tmp_path / name) for name in new} == {
        name: tmp_path / xml for name, xml in new.items()
    }


def test_what_a_person_saved_is_never_hidden_by_a_draft(tmp_path):
    """As an older proposer left it: an Annotations/ of its own beside annotations/."""
    tree(tmp_path, {"annotations/a_1.xml": xml_text(xml_object()), "Annotations/notes.txt": ""})
    (tmp_path / "images").mkdir()
    draw(1).save(tmp_path / "images" / "a_1.jpg")
    write_draft(
        tmp_path / "Annotations" / "a_1.xml", tmp_path / "a_1.jpg", 96, 64, [VocObject("?", (1, 1, 9, 9))]
    )
    reading = read_folder(tmp_path, ReadOptions())
    assert [(one.name, one.names) for one in reading.annotations] == [("images/a_1.jpg", ("Mira",))]
    assert [(one.file, one.reason) for one in reading.problems] == [
        ("Annotations/a_1.xml", "second XML for one picture: that of a_1.jpg is annotations/a_1.xml")
    ]


def test_an_ambiguous_filename_is_no_partner(tmp_path):
    tree(tmp_path, {"1/a.jpg": "", "2/a.jpg": "", "x.xml": xml_text(head="<filename>a.jpg</filename>")})
    (problem,) = find_files(tmp_path).problems
    assert problem.reason == "XML without picture: 2 pictures are named a.jpg"
    assert [file.stem for file in find_files(tmp_path).files] == ["1/a", "2/a"]


def test_unlabelled_pictures(tmp_path):
    draw(1).save(tmp_path / "a_1.jpg")
    draw(2).save(tmp_path / "b_1.jpg")
    (tmp_path / "c_1.jpg").write_bytes((tmp_path / "b_1.jpg").read_bytes())
    (tmp_path / "c_1.xml").write_text(xml_text(xml_object()))
    assert [one.name for one in read_folder(tmp_path, ReadOptions()).annotations] == ["c_1.jpg"]
    reading = read_folder(tmp_path, ReadOptions(unlabelled_as_negative=True))
    # b_1.jpg shows Mira, as its labelled copy says: it is no picture of nobody.
    assert [(one.name, one.names) for one in reading.annotations] == [("a_1.jpg", ()), ("c_1.jpg", ("Mira",))]
    assert [(problem.file, problem.reason) for problem in reading.problems] == [
        ("b_1.jpg", "the same picture twice: equal to c_1.jpg, but with other boxes")
    ]


@pytest.mark.parametrize(("option", "value"), [("max_pixels", 0), ("workers", -1)])
def test_options_are_checked(option, value):
    with pytest.raises(ValueError, match=f"--{option} {value}: must be"):
        ReadOptions(**{option: value})
