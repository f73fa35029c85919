import json
import re
from pathlib import Path

import pytest
from faster_coco_eval import COCO
from PIL import Image

from datasets.annotations import ReadOptions, read_folder
from datasets.voc import read_xml
from tests.conftest import tree
from tests.datasets.one_of_everything import labelled, rows
from tests.tools.test_doors import TABLES, fill_the_disk
from tests.video.small_videos import scene
from tools import export_dataset, import_dataset


def picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(seed)).save(path)
    return path


def run(module, capsys, *arguments: object) -> str:
    """What a command that succeeds says."""
    status = module.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return " ".join((captured.out + captured.err).split())


def bring_in(capsys, source: Path, out: Path, *more: object) -> str:
    return run(import_dataset, capsys, "--source_path", source, "--output_dir", out, *more)


def objects(folder: Path) -> dict[str, list[tuple[str, list[float]]]]:
    """Names and boxes in pixels by picture."""
    found = {}
    for one in read_folder(folder, ReadOptions()).annotations:
        boxes = one.boxes[:, [1, 0, 3, 2]] * [one.width, one.height, one.width, one.height]
        found[one.name] = list(zip(one.names, boxes.astype(float).round(3).tolist(), strict=True))
    return found


def problems(folder: Path) -> list[str]:
    return [row["reason"].split(":")[0] for row in rows(folder / "import_problems.csv")]


NAMES = [{"id": 7, "name": "千反田"}, {"id": 3, "name": "折木"}]


def coco(path: Path, images: list, annotations: list, categories: list = NAMES) -> None:
    content = {"images": images, "annotations": annotations, "categories": categories}
    tree(path.parent, {path.name: json.dumps(content)})


def image(number: int, name: str) -> dict:
    return {"id": number, "file_name": name, "width": 96, "height": 72}


def box(image: int, category: int, *corners: object) -> dict:
    return {"image_id": image, "category_id": category, "bbox": list(corners)}


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Our own folder with a train and a test set."""
    folder = tmp_path / "ours"
    for i, names in enumerate(((), ("千反田",), ("千反田", "折木"), ())):
        labelled(folder / f"ep{i}_001.png", scene(i), *names)
    xml = folder / "ep2_001.xml"
    xml.write_text(xml.read_text().replace("<difficult>0<", "<difficult>1<", 1))
    tree(folder / "ImageSets/Main", {"train.txt": "ep0_001\nep1_001\nep2_001\n", "test.txt": "ep3_001\n"})
    return folder


def test_out_and_in_again_is_the_same(ours, tmp_path, capsys):
    again = tmp_path / "again"
    said = run(export_dataset, capsys, "--dataset_dir", ours, "--output_dir", tmp_path / "coco")
    assert re.search("(?s)train.json: 3 pictures, 3 boxes.*gives no pictures for validation", said)
    said = bring_in(capsys, tmp_path / "coco", again, "--picture_dir", ours)
    assert "4 pictures with 3 boxes, 1 in test.txt, 3 in train.txt" in said
    assert objects(again) == objects(ours)
    written = read_xml(again / "Annotations" / "ep2_001.xml").objects
    assert [item.difficult for item in written] == ["1", "0"]
    for path in ours.glob("*.png"):
        assert (again / "JPEGImages" / path.name).read_bytes() == path.read_bytes()


def test_what_cannot_be_written_is_named_and_the_others_kept(ours, tmp_path, capsys, monkeypatch):
    out, back = tmp_path / "coco", tmp_path / "back"
    with monkeypatch.context() as patch:
        fill_the_disk(patch, "test.json", "ep1_001.xml")
        assert export_dataset.main([f"--dataset_dir={ours}", f"--output_dir={out}"]) == 1
        assert f"{out}/test.json: full; make room there" in (said := capsys.readouterr().err)
        assert f"{out}/train.json: " in said
        arguments = f"--source_path={out}", f"--picture_dir={ours}", f"--output_dir={back}"
        assert import_dataset.main([*arguments]) == 0
    assert "cannot be written" in problems(back)
    assert objects(back)


def test_file_names_are_as_they_are_on_the_disk(tmp_path, capsys):
    names = TABLES["file_names"]
    for seed, name in enumerate(names):
        labelled(tmp_path / "ours" / name, scene(seed), "Rin")
    run(export_dataset, capsys, "--dataset_dir", tmp_path / "ours", "--output_dir", tmp_path, "--one_file")
    written = json.loads((tmp_path / "annotations.json").read_text(encoding="utf-8"))
    assert {image["file_name"] for image in written["images"]} == set(names)
    bring_in(capsys, tmp_path / "annotations.json", tmp_path / "again", "--picture_dir", tmp_path / "ours")
    assert {path.name for path in (tmp_path / "again" / "JPEGImages").iterdir()} == {*names[:4], "a_b__1.png"}


def test_other_programs_read_what_is_exported_over_no_file(ours, tmp_path, capsys):
    flags = "--dataset_dir", str(ours), "--output_dir", str(tmp_path)
    run(export_dataset, capsys, *flags, "--one_file")
    read = COCO(str(tmp_path / "annotations.json"))
    assert sorted(category["name"] for category in read.loadCats(read.getCatIds())) == ["千反田", "折木"]
    annotations = read.loadAnns(read.getAnnIds(iscrowd=False))
    boxes = [[2, 2, 16, 16], [2, 2, 16, 16], [22, 2, 16, 16]]
    assert [one["bbox"] for one in annotations] == boxes
    assert all(one["id"] > 0 and one["area"] > 0 for one in annotations)
    (tmp_path / "train.json").write_text("mine")
    assert export_dataset.main(flags) == 1
    assert "train.json is there already" in capsys.readouterr().err
    assert (tmp_path / "train.json").read_text() == "mine"
    assert not (tmp_path / "test.json").exists()


def test_coco_with_everything_wrong(tmp_path, capsys):
    source, out = tmp_path / "set", tmp_path / "out"
    picture(source / "images" / "a_1.png")
    picture(source / "images" / "b_1.png", 1)
    picture(tmp_path / "secret.png")
    (source / "images" / "broken.png").write_bytes(b"no picture")
    (source / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    wrong = TABLES["everything_wrong"]
    images = [*wrong["images"], image(4, str(tmp_path / "secret.png"))]
    annotations = [*wrong["annotations"], box(1, 7, 10**400, 1, 1, 1), box(1, 7, float("nan"), 1, 5, 5)]
    coco(source / "all.json", images, annotations, wrong["categories"])
    assert "2 pictures with 3 boxes" in bring_in(capsys, source, out)
    assert objects(out) == {
        "a_1.png": [("千反田", [10, 10, 40, 50]), ("a <b>&", [80, 60, 96, 72])],
        "b_1.png": [("千反田", [20, 20, 60, 60])],  # labelled at half the size
    }
    written = read_xml(out / "Annotations" / "a_1.xml").objects
    assert [item.truncated for item in written] == ["0", "1"]  # as LabelImg would have said
    listed = problems(out)
    assert {*wrong["said"]} <= {*listed}
    assert listed.count("no such picture") == 6
    assert sorted(path.name for path in (out / "JPEGImages").iterdir()) == ["a_1.png", "b_1.png"]


@pytest.mark.parametrize(("file", "pictures", "split", "stems"), TABLES["coco_layouts"])
def test_roboflow_and_original_layouts_of_coco(tmp_path, capsys, file, pictures, split, stems):
    source = tmp_path / "set"
    for one in ("train", split):
        path = picture(source / pictures.format(one))
        coco(source / file.format(one), [image(1, path.name)], [box(1, 7, 1, 1, 9, 9)])
    bring_in(capsys, source, tmp_path / "out")
    assert sorted(path.stem for path in (tmp_path / "out" / "Annotations").iterdir()) == stems
    assert (tmp_path / "out" / "ImageSets" / "Main" / "val.txt").read_text() == f"{stems[1]}\n"


def yolo(root: Path, **labels: str) -> Path:
    for number, (name, text) in enumerate(labels.items()):
        split, stem = name.split("__")
        picture(root / "images" / split / f"{stem}.png", number)
        tree(root, {f"labels/{split}/{stem}.txt": text})
    described = "path: .\ntrain: images/train\nval: images/val\nnames: {0: 千反田, 1: 折木}\n"
    return tree(root, {"data.yaml": described})


def test_yolo_of_ultralytics(tmp_path, capsys):
    labels = {"train__a_1": "0 0.5 0.5 0.25 0.5\n1 0.9 0.9 0.1 0.1\n", "train__b_1": ""}
    source = yolo(tmp_path / "set", **labels, val__c_1="1 0.5 0.5 1 1")
    picture(source / "images" / "train" / "unlabelled.png", 9)
    said = bring_in(capsys, source / "data.yaml", tmp_path / "out")
    assert "3 pictures with 3 boxes, 2 in train.txt, 1 in val.txt" in said
    assert objects(tmp_path / "out") == {
        "a_1.png": [("千反田", [36, 18, 60, 54]), ("折木", [82, 61, 91, 68])],
        "b_1.png": [],
        "c_1.png": [("折木", [1, 1, 96, 72])],
    }
    assert problems(tmp_path / "out") == ["picture without a label file"]


def test_yolo_lines_that_are_none_and_pictures_that_lose_all(tmp_path, capsys):
    """With no object left a picture would teach that nobody is there: it is left out."""
    lines = TABLES["no_yolo_lines"]
    labels = {"train__a_1": "\n".join([*lines, "0 0.5 0.5 0.2 0.2"]), "train__b_1": "\n".join(lines)}
    source = yolo(tmp_path / "set", **labels, train__c_1="", train__d_1="0 0.5 0.5 0 0.1", val__e_1="")
    (source / "labels" / "val" / "e_1.txt").write_bytes(b"\xff\xfe\x00")
    assert "2 pictures with 1 boxes, 2 in train.txt" in bring_in(capsys, source, tmp_path / "out")
    assert [len(found) for found in objects(tmp_path / "out").values()] == [1, 0]
    listed = problems(tmp_path / "out")
    assert listed.count("number without a name") == 2 * 3
    assert listed.count("none of its objects can be used") == 2
    assert "label file cannot be read" in listed
    assert len(listed) == 2 * 8 + 1 + 2 + 1
    assert sorted(path.name for path in (tmp_path / "out" / "JPEGImages").iterdir()) == ["a_1.png", "c_1.png"]


@pytest.mark.parametrize("train", TABLES["outside"])
def test_a_yolo_set_reaches_no_file_outside(tmp_path, capsys, train):
    picture(tmp_path / "secret" / "a.png")
    (tmp_path / "secret" / "a.txt").write_text("0 0.5 0.5 0.2 0.2")
    listed, described = (
        f"../secret/a.png\n{tmp_path}/secret/a.png\n",
        f"path: ..\ntrain: {train}\nnames: [a]\n",
    )
    source = tree(tmp_path / "set", {"list.txt": listed, "data.yaml": described})
    assert import_dataset.main([f"--source_path={source}", f"--output_dir={tmp_path / 'out'}"]) == 1
    assert "no picture that can be taken" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_equal_names_and_odd_names_stay_apart(tmp_path, capsys):
    source, long = tmp_path / "set", "あ" * 60 + "/" + "い" * 60 + ".png"
    names = ["ep1/0001.png", "ep2/0001.png", "ep1/0001.PNG", " .hidden?.png", long]
    for seed, name in enumerate(names):
        picture(source / name, seed)
    coco(source / "all.json", [image(i, name) for i, name in enumerate(names)], [])
    bring_in(capsys, source, tmp_path / "out")
    written = {path.name for path in (tmp_path / "out" / "JPEGImages").iterdir()}
    assert len(written) == len(names)
    assert {"ep1_0001.png", "ep2_0001.png", "ep1_0001_2.png"} <= written
    assert all(not name.startswith(".") and "?" not in name for name in written)


def test_an_interrupted_import_goes_on_and_keeps_what_a_person_did(tmp_path, capsys):
    out = tmp_path / "out"
    source = yolo(tmp_path / "set", train__a_1="0 0.5 0.5 0.2 0.2", train__b_1="0 0.5 0.5 0.2 0.2")
    bring_in(capsys, source, out)
    mine = out / "Annotations" / "a_1.xml"
    mine.write_text("<annotation verified='yes'></annotation>")
    (out / "Annotations" / "b_1.xml").unlink()
    assert "1 pictures with 1 boxes, 1 were there already" in bring_in(capsys, source, out)
    assert mine.read_text() == "<annotation verified='yes'></annotation>"
    assert (out / "ImageSets" / "Main" / "train.txt").read_text() == "a_1\nb_1\n"
    (out / "Annotations" / "b_1.xml").unlink()
    picture(out / "JPEGImages" / "b_1.png", 77)
    bring_in(capsys, source, out)
    assert "another picture has its name in the output folder" in problems(out)


@pytest.mark.parametrize(
    ("name", "text", "message"), [*TABLES["no_data_sets"], ("x.json", "[" * 100_000, "not a COCO file")]
)
def test_what_is_no_data_set_is_said_in_one_line(tmp_path, capsys, name, text, message):
    path = tmp_path / (name or "gone")
    tree(tmp_path, {name: text} if name else {})
    source = path if path.parent == tmp_path else path.parent
    assert import_dataset.main([f"--source_path={source}", f"--output_dir={tmp_path / 'out'}"]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
