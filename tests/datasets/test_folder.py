import pytest

from datasets.annotations import ReadOptions, choose_frame, read_folder
from datasets.folder import find_files, growing_dirs
from datasets.pictures import PictureFacts
from datasets.splits import SplitOptions
from datasets.voc import RawAnnotation, RawObject, VocObject
from labelling.drafts import write_draft
from tests.datasets.one_of_everything import draw, write_one_of_everything, xml_object, xml_text


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


UNCLEAR, RESIZED = "EXIF orientation is unclear", "picture resized after labelling"
WITHOUT, TURNED = "boxes drawn without EXIF orientation", "boxes drawn with EXIF orientation"
ANOTHER = "size in the XML is of another picture"
BOX = ("10", "20", "300", "350")


@pytest.mark.parametrize(
    ("orientation", "stored", "said", "box", "turned", "reference", "kind"),
    [
        (1, (640, 360), (640, 360), BOX, False, (640, 360), None),
        (1, (640, 360), None, BOX, False, (640, 360), None),
        (6, (640, 360), (640, 360), BOX, False, (640, 360), WITHOUT),
        (6, (640, 360), (360, 640), BOX, True, (360, 640), TURNED),
        (8, (640, 360), (360, 640), BOX, True, (360, 640), TURNED),
        (3, (640, 360), (640, 360), BOX, False, (640, 360), UNCLEAR),
        (6, (400, 400), (400, 400), BOX, False, (400, 400), UNCLEAR),
        (6, (640, 360), None, BOX, False, (640, 360), UNCLEAR),
        (6, (640, 360), None, None, True, (360, 640), None),
        (6, (640, 360), (640, 360), None, True, (360, 640), None),
        (1, (640, 360), (1920, 1080), BOX, False, (1920, 1080), RESIZED),
        (6, (640, 360), (1080, 1920), BOX, True, (1080, 1920), RESIZED),
        (1, (640, 360), (1920, 1080), ("1", "1", "2500", "9"), False, (640, 360), ANOTHER),
        (1, (640, 360), (500, 500), BOX, False, (640, 360), ANOTHER),
        (1, (640, 360), (853, 480), BOX, False, (853, 480), RESIZED),  # but for rounding
    ],
)
def test_frame(orientation, stored, said, box, turned, reference, kind):
    facts = PictureFacts(stored, orientation=orientation, plain_jpeg=True, frames=1, digest=b"")
    objects = (RawObject("Mira", box, None, None),) if box else ()
    frame = choose_frame(facts, RawAnnotation(None, said, objects))
    assert (frame.turned, frame.reference) == (turned, reference)
    assert frame.size == (facts.turned_size if turned else stored)
    assert (frame.problem[0] if frame.problem else None) == kind


@pytest.mark.parametrize(
    ("files", "filenames", "partners"),
    [
        # VOC's layout: only its two folders, and XML beside the pictures.
        ("Annotations/a.xml JPEGImages/a.jpg SegmentationClass/a.png b.jpg", {},
         {"a.jpg": "Annotations/a.xml"}),
        ("Annotations/a.xml JPEGImages/a.jpg JPEGImages/b.jpg JPEGImages/b.xml", {},
         {"a.jpg": "Annotations/a.xml", "b.jpg": "JPEGImages/b.xml"}),
        # Pictures and XML side by side, in folders too, and what a system hides there.
        ("1/001.jpg 1/001.xml 2/001.jpg 2/001.xml 2/.hidden.jpg __MACOSX/1/._001.jpg", {},
         {"1/001.jpg": "1/001.xml", "2/001.jpg": "2/001.xml"}),
        ("Annotations/a.xml images/s1/a.JPG", {}, {"images/s1/a.JPG": "Annotations/a.xml"}),
        # The stem comes before a stale <filename>, which decides between two pictures.
        ("a.jpg b.jpg", {"a.xml": "b.jpg", "c.xml": "C:\\old\\b.jpg"}, {"a.jpg": "a.xml", "b.jpg": "c.xml"}),
        ("a.jpg a.png a.xml", {}, {"a.jpg": "a.xml"}),
        ("a.jpg a.png", {"a.xml": "a.png"}, {"a.png": "a.xml"}),
        # Parallel trees, of which only one folder differs; what <filename> says with its folders; capitals.
        ("images/1/a.jpg images/2/a.jpg annotations/1/a.xml annotations/2/a.xml", {},
         {"images/1/a.jpg": "annotations/1/a.xml", "images/2/a.jpg": "annotations/2/a.xml"}),
        ("train/img/a.jpg val/img/a.jpg train/boxes/a.xml val/boxes/a.xml", {},
         {"train/img/a.jpg": "train/boxes/a.xml", "val/img/a.jpg": "val/boxes/a.xml"}),
        ("p/1/a.jpg p/2/a.jpg p/2/b.jpg", {"x.xml": "D:\\set\\2\\a.jpg", "b.xml": "1/a.jpg"},
         {"p/1/a.jpg": None, "p/2/a.jpg": "x.xml", "p/2/b.jpg": "b.xml"}),
        ("JPEGImages/Pic1.JPG Annotations/pic1.xml JPEGImages/A.jpg JPEGImages/a.jpg Annotations/a.xml", {},
         {"Pic1.JPG": "Annotations/pic1.xml", "A.jpg": None, "a.jpg": "Annotations/a.xml"}),
        # The output of a conversion inside its input.
        ("a.jpg a.xml records/b.png dataset.png ImageSets/Main/train.txt", {}, {"a.jpg": "a.xml"}),
    ],
)  # fmt: skip
def test_partners(tmp_path, files, filenames, partners):
    for path in (tmp_path / name for name in files.split()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for xml, filename in filenames.items():
        (tmp_path / xml).write_text(xml_text(head=f"<filename>{filename}</filename>"))
    contents = find_files(tmp_path, exclude=[tmp_path / "records", tmp_path / "dataset.png"])
    found = {file.name: file.xml and file.xml.relative_to(tmp_path).as_posix() for file in contents.files}
    assert found == partners


@pytest.mark.parametrize(
    ("files", "grows", "new"),
    [
        ("", "JPEGImages Annotations", {"a.jpg": "a.xml"}),
        ("JPEGImages/a.jpg", "JPEGImages Annotations", {"JPEGImages/s/b.jpg": "Annotations/b.xml"}),
        ("images/a.jpg", "JPEGImages Annotations", {"images/a.jpg": "a.xml"}),
        ("images/a.jpg annots/a.xml", "images annots", {"images/b.jpg": "annots/b.xml"}),
        ("JPEGImages/a.jpg annotations/a.xml", "JPEGImages annotations",
         {"JPEGImages/b.jpg": "annotations/b.xml"}),
        ("p/a.jpg annotations/xmls/a.xml", "p annotations/xmls", {"p/b.jpg": "annotations/xmls/b.xml"}),
        ("1/a.jpg 1/a.xml 2/b.jpg", "1 1", {"1/c.jpg": "1/c.xml", "2/b.jpg": "2/b.xml"}),
        ("p/1/a.jpg x/1/a.xml p/1/b.jpg", "p/1 x/1", {"p/1/b.jpg": "x/1/b.xml", "p/2/c.jpg": "x/2/c.xml"}),
        # extract_frames has made JPEGImages/ beside pictures that were labelled already.
        ("a.jpg a.xml JPEGImages/b.jpg", ". .", {"JPEGImages/b.jpg": "b.xml"}),
    ],
)  # fmt: skip
def test_new_xml_go_to_those_that_are_there(tmp_path, files, grows, new):
    for path in (tmp_path / name for name in files.split()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert growing_dirs(tmp_path) == tuple(tmp_path / name for name in grows.split())
    contents = find_files(tmp_path)
    assert {name: contents.new_xml(tmp_path / name) for name in new} == {
        name: tmp_path / xml for name, xml in new.items()
    }


def test_what_a_person_saved_is_never_hidden_by_a_draft(tmp_path):
    """As an older proposer left it: an Annotations/ of its own beside annotations/."""
    for folder in ("images", "annotations", "Annotations"):
        (tmp_path / folder).mkdir()
    draw(1).save(tmp_path / "images" / "a_1.jpg")
    write_draft(
        tmp_path / "Annotations" / "a_1.xml", tmp_path / "a_1.jpg", 96, 64, [VocObject("?", (1, 1, 9, 9))]
    )
    (tmp_path / "annotations" / "a_1.xml").write_text(xml_text(xml_object()))
    reading = read_folder(tmp_path, ReadOptions())
    assert [(one.name, one.names) for one in reading.annotations] == [("images/a_1.jpg", ("Mira",))]
    assert [(one.file, one.reason) for one in reading.problems] == [
        ("Annotations/a_1.xml", "second XML for one picture: that of a_1.jpg is annotations/a_1.xml")
    ]


def test_an_ambiguous_filename_is_no_partner(tmp_path):
    for folder in ("1", "2"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").touch()
    (tmp_path / "x.xml").write_text(xml_text(head="<filename>a.jpg</filename>"))
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
