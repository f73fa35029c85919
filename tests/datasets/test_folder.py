from pathlib import Path

import pytest

from datasets.annotations import ReadOptions, choose_frame, read_folder
from datasets.folder import find_files
from datasets.pictures import PictureFacts
from datasets.splits import SplitOptions
from datasets.voc import RawAnnotation, RawObject
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


def _facts(orientation: int = 1, size: tuple[int, int] = (640, 360)) -> PictureFacts:
    return PictureFacts(size, orientation=orientation, plain_jpeg=True, frames=1, digest=b"")


def _xml(
    size: tuple[int, int] | None, box: tuple[int, int, int, int] | None = (10, 20, 300, 350)
) -> RawAnnotation:
    objects = ()
    if box is not None:
        xmin, ymin, xmax, ymax = map(str, box)
        objects = (RawObject("Mira", (xmin, ymin, xmax, ymax), None, None),)
    return RawAnnotation(None, size, objects)


@pytest.mark.parametrize(
    ("facts", "raw", "turned", "reference", "kind"),
    [
        (_facts(), _xml((640, 360)), False, (640, 360), None),
        (_facts(), _xml(None), False, (640, 360), None),
        (_facts(6), _xml((640, 360)), False, (640, 360), "boxes drawn without EXIF orientation"),
        (_facts(6), _xml((360, 640)), True, (360, 640), "boxes drawn with EXIF orientation"),
        (_facts(8), _xml((360, 640)), True, (360, 640), "boxes drawn with EXIF orientation"),
        (_facts(3), _xml((640, 360)), False, (640, 360), "EXIF orientation is unclear"),
        (_facts(6, (400, 400)), _xml((400, 400)), False, (400, 400), "EXIF orientation is unclear"),
        (_facts(6), _xml(None), False, (640, 360), "EXIF orientation is unclear"),
        (_facts(6), _xml(None, box=None), True, (360, 640), None),
        (_facts(6), _xml((640, 360), box=None), True, (360, 640), None),
        (_facts(), _xml((1920, 1080)), False, (1920, 1080), "picture resized after labelling"),
        (_facts(6), _xml((1080, 1920)), True, (1080, 1920), "picture resized after labelling"),
        (
            _facts(),
            _xml((1920, 1080), box=(1, 1, 2500, 9)),
            False,
            (640, 360),
            "size in the XML is of another picture",
        ),
        (_facts(), _xml((500, 500)), False, (640, 360), "size in the XML is of another picture"),
        # 853 x 480 is 640 x 360 but for rounding.
        (_facts(), _xml((853, 480)), False, (853, 480), "picture resized after labelling"),
    ],
)
def test_frame(facts, raw, turned, reference, kind):
    frame = choose_frame(facts, raw)
    assert frame.turned == turned
    assert frame.size == (facts.turned_size if turned else facts.size)
    assert frame.reference == reference
    assert (frame.problem[0] if frame.problem else None) == kind


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _partners(folder: Path, filenames: dict[str, str] | None = None, **options) -> dict[str, str | None]:
    for xml, filename in (filenames or {}).items():
        (folder / xml).write_text(xml_text(head=f"<filename>{filename}</filename>"))
    contents = find_files(folder, **options)
    return {file.name: file.xml and file.xml.relative_to(folder).as_posix() for file in contents.files}


def test_voc_layout_reads_only_its_two_folders(tmp_path):
    _touch(tmp_path, "Annotations/a.xml", "JPEGImages/a.jpg", "SegmentationClass/a.png", "b.jpg")
    assert _partners(tmp_path) == {"a.jpg": "Annotations/a.xml"}


def test_xml_beside_the_pictures_of_a_voc_layout(tmp_path):
    _touch(tmp_path, "Annotations/a.xml", "JPEGImages/a.jpg", "JPEGImages/b.jpg", "JPEGImages/b.xml")
    assert _partners(tmp_path) == {"a.jpg": "Annotations/a.xml", "b.jpg": "JPEGImages/b.xml"}


def test_flat_folder_with_subfolders(tmp_path):
    _touch(
        tmp_path, "1/001.jpg", "1/001.xml", "2/001.jpg", "2/001.xml", "2/.hidden.jpg", "__MACOSX/1/._001.jpg"
    )
    assert _partners(tmp_path) == {"1/001.jpg": "1/001.xml", "2/001.jpg": "2/001.xml"}


def test_only_picture_with_that_stem_in_another_folder(tmp_path):
    _touch(tmp_path, "Annotations/a.xml", "images/season 1/a.JPG")
    assert _partners(tmp_path) == {"images/season 1/a.JPG": "Annotations/a.xml"}


def test_stem_comes_before_filename(tmp_path):
    _touch(tmp_path, "a.jpg", "b.jpg", "a.xml", "c.xml")
    stale = {"a.xml": "b.jpg", "c.xml": "C:\\old\\b.jpg"}
    assert _partners(tmp_path, stale) == {"a.jpg": "a.xml", "b.jpg": "c.xml"}


def test_filename_decides_between_two_pictures(tmp_path):
    _touch(tmp_path, "a.jpg", "a.png", "a.xml")
    assert _partners(tmp_path) == {"a.jpg": "a.xml"}
    assert _partners(tmp_path, {"a.xml": "a.png"}) == {"a.png": "a.xml"}


def test_an_ambiguous_filename_is_no_partner(tmp_path):
    _touch(tmp_path, "1/a.jpg", "2/a.jpg")
    (tmp_path / "x.xml").write_text(xml_text(head="<filename>a.jpg</filename>"))
    contents = find_files(tmp_path)
    assert [problem.reason for problem in contents.problems] == [
        "XML without picture: 2 pictures are named a.jpg"
    ]


def test_output_inside_the_input_is_passed_over(tmp_path):
    _touch(tmp_path, "a.jpg", "a.xml", "records/dataset.png", "dataset.png", "ImageSets/Main/train.txt")
    assert _partners(tmp_path, exclude=[tmp_path / "records", tmp_path / "dataset.png"]) == {"a.jpg": "a.xml"}


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
