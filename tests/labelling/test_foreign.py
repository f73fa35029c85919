"""Data sets of other programs and other machines, as they are read before any picture is."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.problems import Problem
from datasets.voc import RawObject
from labelling.coco import read_coco
from labelling.foreign import Files, ForeignDataset
from labelling.yolo import read_yolo
from tests.conftest import tables, tree

TABLES = tables(__file__, "foreign")


def boxes(dataset: ForeignDataset) -> dict[str, list[tuple]]:
    """Name and box in hundredths of a picture of 100 x 100, by picture."""
    found = {}
    for picture in dataset.pictures.values():
        objects = [one for one in picture.objects_in((100, 100)) if isinstance(one, RawObject)]
        found[picture.name] = [
            (one.name, *(round(float(side or 0)) for side in one.box or ())) for one in objects
        ]
    return found


def coco(images: list, annotations: list, categories: object = ({"id": 1, "name": "Rin"},)) -> str:
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})


@pytest.mark.parametrize(("written", "means"), TABLES["paths"])
def test_paths_of_other_machines(tmp_path, written, means):
    names = "train/a.jpg", "valid/a.jpg", "more/ep1/f 1.png", "more/がくえん.jpg", "100%25\\x?.jpg"
    tree(tmp_path, {"secret.jpg": "", **{f"set/{name}": "" for name in names}})
    (tmp_path / "set" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert Files(tmp_path / "set").meant([(written,)]) == ({(written,): means} if means else {})


def test_a_guess_takes_no_file_that_is_meant_by_another_path(tmp_path):
    files = Files(tree(tmp_path, {"ep1/1.jpg": "", "ep2/2.jpg": ""}))
    assert files.meant([("ep1/1.jpg",), ("ep9/1.jpg",)]) == {("ep1/1.jpg",): "ep1/1.jpg"}
    assert files.meant([("/x/2.jpg",), ("/y/2.jpg",)]) == {}
    assert set(files.meant([("/x/2.jpg",), ("at/x", "/x/2.jpg")]).values()) == {"ep2/2.jpg"}


@given(st.text(), st.lists(st.sampled_from(["a", "B.jpg", "..", "/", "\\", "%2e", "?d=", "C:", "~", " "])))
@settings(max_examples=40, deadline=None)
def test_no_path_leads_out_of_the_folder(tmp_path_factory, text, parts):
    files = Files(tree(tmp_path_factory.mktemp("set"), {"a/b.jpg": "", "B.jpg": ""}))
    for written in (text, "".join(parts), "/".join(parts)):
        assert set(files.meant([(written,)]).values()) <= set(files.paths)
        assert files.folder((written,)) in ("", ".", "a")


@pytest.mark.parametrize("files", TABLES["layouts"])
def test_layouts_of_yolo(tmp_path, files):
    dataset = read_yolo(tree(tmp_path, files))
    assert list(boxes(dataset).values()) == [[("Rin", 40, 30, 60, 70)]]
    text = str(files).lower()
    (picture,) = dataset.pictures.values()
    assert picture.split == ("val" if "val" in text else "train" if "train" in text else "")


def test_a_label_file_goes_to_no_picture_elsewhere(tmp_path):
    pictures = "ep1/1.jpg", "ep2/2.jpg", "p/ep3/3.jpg", "train/6.jpg", "4.jpg", "b.tif"
    texts = "ep2/1.txt", "l/ep4/3.txt", "test/labels/6.txt", "4.txt", "5.txt", "b.txt"
    dataset = read_yolo(tree(tmp_path, {**dict.fromkeys((*pictures, *texts), ""), "classes.txt": "Rin"}))
    assert boxes(dataset) == {"4.jpg": []}
    assert {(problem.kind, problem.file) for problem in dataset.problems} == {
        *(("picture without a label file", name) for name in pictures[:4]),
        ("text beside label files of no picture", "5.txt"),
        ("picture format is not read", "b.tif"),
    }  # fmt: skip


@pytest.mark.parametrize(("line", "box", "more"), TABLES["lines"])
def test_lines_of_yolo(tmp_path, line, box, more):
    folder = tree(tmp_path, {"a.jpg": "", "a.txt": line, "data.yaml": f"names: [Rin, Sora]\ntrain: .{more}"})
    assert boxes(read_yolo(folder)) == {"a.jpg": [("Rin", *box)]}


def test_names_are_as_they_are_written(tmp_path):
    names = "002", "1.10", "No", "0x1F", "2024-01-01", "~"
    lines = "".join(f"{number} 0.5 0.5 0.2 0.4\n" for number in range(6))
    files = {"a.jpg": "", "a.txt": lines, "data.yaml": f"train: .\nnc: 5\nnames: [{', '.join(names)}]"}
    dataset = read_yolo(tree(tmp_path, files))
    assert [one[0] for one in boxes(dataset)["a.jpg"]] == list(names)
    assert [problem.reason for problem in dataset.problems] == [
        "wrong number of classes: it says 5, and there are 6 names"
    ]


def test_annotations_of_coco_in_other_spellings(tmp_path):
    text = coco(**TABLES["spelled"])
    dataset = read_coco(tree(tmp_path, {"all.json": text, "a.jpg": "", "b.jpg": ""}))
    assert boxes(dataset) == {"a.jpg": [("2", 1, 2, 4, 6)] * 2, "b.jpg": []}
    assert dataset.pictures["a.jpg"].size == (100, 100)
    # Whoever it is, the picture does not show nobody.
    assert all(isinstance(lost, Problem) for lost in dataset.pictures["b.jpg"].objects_in((9, 9)))


def test_what_lies_beside_coco_is_said(tmp_path):
    images = [{"id": n, "file_name": name} for n, name in ((1, "a.jpg"), (2, "b.jpg"), (2, "c.jpg"))]
    names = [{"id": 3, "name": "Rin"}, {"id": 3, "name": "Sora"}]
    real = coco(images, [{"image_id": 1, "category_id": 3, "bbox": [1, 1, 9, 9]}], names)
    files = {"in/valid/x.json": real, **{f"in/valid/{letter}.jpg": "" for letter in "abc"}}
    others = {"package.json": "{}", "info.json": '{"images": []}', "me.json": "[]", "cut.json": real[:50]}
    dataset = read_coco(tree(tmp_path, {**files, **others}))
    assert boxes(dataset) == {"in/valid/a.jpg": [("", 1, 1, 10, 10)]}  # whose, nobody knows
    assert dataset.pictures["in/valid/a.jpg"].split == "val"
    said = [(problem.file, problem.kind) for problem in dataset.problems]
    assert said == [
        *((name, "not a COCO file") for name in sorted(others)),
        ("in/valid/x.json", "several categories with one id"),
        *[("in/valid/x.json", "several pictures with one id")] * 2,
    ]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["a.jpg", "1"]),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(
        st.sampled_from(["id", "image_id", "category_id", "bbox", "segmentation", "file_name", "name"]), some
    ),
    max_leaves=20,
)  # fmt: skip


@given(anything, anything, anything)
@settings(max_examples=40, deadline=None)
def test_no_json_breaks_the_reading(tmp_path_factory, images, annotations, categories):
    lists = ([one] if not isinstance(one, list) else one for one in (images, annotations, categories))
    dataset = read_coco(tree(tmp_path_factory.mktemp("set"), {"x.json": coco(*lists), "a.jpg": ""}))
    assert list(dataset.pictures) in ([], ["a.jpg"])
    boxes(dataset)


@given(st.text(), st.text(alphabet="0123456789.,-+e; \t\n"), st.text(alphabet="names:[]{}&*!-# \ntrai0\"'"))
@settings(max_examples=40, deadline=None)
def test_no_text_breaks_the_reading(tmp_path_factory, label, numbers, text):
    folder = tmp_path_factory.mktemp("set")
    files = {"a.jpg": "", "a.txt": label.encode(errors="replace").decode(), "b.jpg": "", "b.txt": numbers}
    boxes(read_yolo(tree(folder, {**files, "classes.txt": "Rin"})))
    with suppress(ValueError):
        read_yolo(tree(folder, {"data.yaml": text}))
