"""tf_convert_data.py from the command line to the records."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import datasets.conversion
import tf_convert_data
from datasets.examples import decoded, examples, parse_example
from datasets.records import open_dataset
from tests.conftest import tree
from tests.datasets.one_of_everything import draw, labelled, rows, write_one_of_everything
from tests.datasets.test_look_alikes import scene
from tests.tools.test_doors import TABLES


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Six episodes of four pictures, flat."""
    folder = tmp_path / "pictures"
    for episode in range(6):
        for frame in range(4):
            names = ("Mira", "千反田")[: 1 + frame % 2] if frame else ()
            labelled(folder / f"episode{episode}_{frame:03d}.jpg", draw(10 * episode + frame), *names)
    return folder


@pytest.fixture
def output(tmp_path) -> Path:
    return tmp_path / "records"


def convert(folder: Path, output: Path, *flags: str) -> int:
    arguments = [f"--dataset_dir={folder}", f"--output_dir={output}", *flags]
    if not any("figure" in flag for flag in flags):
        arguments.append("--no_figure")
    return tf_convert_data.main(["--dataset_name=pascalvoc", *arguments])


def records(output: Path, split: str) -> list[dict[str, Any]]:
    files = [str(path) for path in open_dataset(output).splits[split].files]
    parsed: Any = tf.data.TFRecordDataset(files).map(parse_example).as_numpy_iterator()
    return list(parsed)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.iterdir() if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def splits_of(output: Path) -> dict[bytes, str]:
    """The set by file name."""
    return {one["filename"]: name for name in open_dataset(output).splits for one in records(output, name)}


def test_a_folder_becomes_three_sets_that_dataset_json_describes(pictures, tmp_path, capfd):
    output = tmp_path / "new" / "records"
    assert convert(pictures, output) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "dataset.json", "labels.txt", "problems.csv", "test.index.npz", "test_000.tfrecord",
        "train.index.npz", "train_000.tfrecord", "validation.index.npz", "validation_000.tfrecord",
    ]  # fmt: skip
    assert (output / "labels.txt").read_text(encoding="utf-8") == "Mira\n千反田\n"
    dataset = open_dataset(output)
    assert dataset.labels == ("Mira", "千反田")
    assert set(dataset.splits) == {"train", "validation", "test"}
    assert sum(split.pictures for split in dataset.splits.values()) == 24
    assert sum(split.boxes for split in dataset.splits.values()) == 6 * 5

    seen: dict[str, set[str]] = {}
    for name, split in dataset.splits.items():
        found = records(output, name)
        assert len(found) == split.pictures
        assert sum(len(one["boxes"]) for one in found) == split.boxes
        assert max(len(one["boxes"]) for one in found) == split.max_boxes == 2
        for one in found:
            filename = one["filename"].decode()
            assert one["encoded"] == (pictures / filename).read_bytes()
            seen.setdefault(filename.split("_")[0], set()).add(name)
            if filename.endswith("_003.jpg"):
                sides = [[2 / 64, 2 / 96, 18 / 64, 18 / 96], [2 / 64, 22 / 96, 18 / 64, 38 / 96]]
                np.testing.assert_array_equal(one["boxes"], np.array(sides, np.float32))
                assert one["classes"].tolist() == [1, 2]
    assert all(len(splits) == 1 for splits in seen.values())  # an episode is in one split
    screen = capfd.readouterr().out
    assert "千反田" in screen
    assert "Fewer than 20 boxes to train on" in " ".join(screen.split())

    described = json.loads((output / "dataset.json").read_text(encoding="utf-8"))
    assert described["labels"] == ["Mira", "千反田"]
    assert described["labels_sha256"] == hashlib.sha256((output / "labels.txt").read_bytes()).hexdigest()
    assert described["assignment"]["by"] == "source"
    assert set(described["assignment"]["keys"]) == {f"episode{number}" for number in range(6)}
    for name, one in described["splits"].items():
        assert one["picture_sizes"] == {"96x64": one["pictures"]}
        assert sum(label["boxes"] for label in one["names"].values()) == one["boxes"]
        assert {described["assignment"]["keys"][source] for source in one["sources"]} == {name}
        assert one["options"]["split_fractions"] == [0.8, 0.1, 0.1]
        for shard in one["shards"]:
            assert shard["sha256"] == hashlib.sha256((output / shard["file"]).read_bytes()).hexdigest()


def test_the_same_command_writes_the_same_bytes(pictures, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    convert(pictures, first, "--workers=1", "--pictures_per_shard=3")
    convert(pictures, second, "--workers=5", "--pictures_per_shard=3")
    assert len(list(first.glob("train_*"))) > 1
    assert digests(first) == digests(second)
    before = digests(second)
    convert(pictures, second, "--pictures_per_shard=3")
    assert digests(second) == before
    convert(pictures, second, "--pictures_per_shard=3", "--seed=1")
    assert digests(second) != before


def test_pictures_that_come_later_move_none(pictures, output):
    convert(pictures, output)
    before = splits_of(output)
    for episode in (2, 6, 7, 8):
        for frame in range(50, 53):
            labelled(pictures / f"episode{episode}_{frame:03d}.jpg", draw(100 + 10 * episode + frame), "Tobi")
    convert(pictures, output)
    after = splits_of(output)
    assert len(after) == 24 + 12
    assert before.items() <= after.items()
    # Ids that a trained network knows stay; the new name, though first in the alphabet of some, is last.
    assert open_dataset(output).labels == ("Mira", "千反田", "Tobi")


def test_output_name_and_a_second_set(pictures, tmp_path, output):
    assert convert(pictures, output, "--output_name=voc_2007_train", "--pictures_per_shard=5") == 0
    assert [path.name for path in sorted(output.glob("*.tfrecord"))] == [
        f"voc_2007_train_{number:03d}.tfrecord" for number in range(5)
    ]
    labelled(tmp_path / "more" / "film_1.jpg", draw(500), "Tobi")
    assert convert(tmp_path / "more", output, "--output_name=voc_2007_test") == 0
    dataset = open_dataset(output)
    assert dataset.labels == ("Mira", "千反田", "Tobi")
    found = {name: split.pictures for name, split in dataset.splits.items()}
    assert found == {"voc_2007_train": 24, "voc_2007_test": 1}
    assert records(output, "voc_2007_test")[0]["classes"].tolist() == [3]
    # A second conversion of one set: fewer shards, and the old ones of this set are gone, of this set only.
    assert convert(pictures, output, "--output_name=voc_2007_train", "--pictures_per_shard=20") == 0
    assert sorted(path.name for path in output.glob("*.tfrecord")) == [
        "voc_2007_test_000.tfrecord", "voc_2007_train_000.tfrecord", "voc_2007_train_001.tfrecord",
    ]  # fmt: skip
    assert convert(pictures, output) == 0
    three = {"train", "validation", "test"}
    assert set(open_dataset(output).splits) == {*three, "voc_2007_test", "voc_2007_train"}


def test_image_sets(pictures, tmp_path, output, capfd):
    names = sorted(path.name for path in pictures.glob("*.jpg"))
    lists = {"train.txt": names[:16], "val.txt": names[16:]}
    tree(pictures / "ImageSets/Main", {name: "\n".join(some) for name, some in lists.items()})
    assert convert(pictures, output) == 0
    expected = {name.encode(): "train" if i < 16 else "validation" for i, name in enumerate(names)}
    assert splits_of(output) == expected
    assert "ImageSets/Main gives no pictures for test." in capfd.readouterr().out
    assert convert(pictures, output, "--split_by=source") == 0
    assert set(open_dataset(output).splits) == {"train", "validation", "test"}
    draw(3000).save(pictures / "nobody_1.png")
    assert convert(pictures, tmp_path / "one", "--output_name=all", "--unlabelled_as_negative") == 0
    assert splits_of(tmp_path / "one") == dict.fromkeys([*expected, b"nobody_1.png"], "all")
    assert "ImageSets/Main is not used: --output_name" in capfd.readouterr().out


def test_an_interrupted_run_leaves_the_earlier_output(pictures, output, monkeypatch):
    convert(pictures, output)
    before = digests(output)
    other = labelled(pictures / "episode9_000.jpg", draw(900), "Tobi").read_bytes()
    calls = []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) > 10:
            raise KeyboardInterrupt
        return other  # not what was there

    monkeypatch.setattr(datasets.conversion, "jpeg_bytes", interrupted)
    assert convert(pictures, output, "--pictures_per_shard=2") == 130
    assert len(calls) > 10
    assert digests(output) == before
    assert [path.name for path in output.iterdir() if path.is_dir()] == []
    # A run that was killed could not tidy up; the next one does.
    tree(output, {".converting/train_009.tfrecord": "x"})
    monkeypatch.undo()
    assert convert(pictures, output) == 0
    assert not (output / ".converting").exists()
    assert not (output / "train_009.tfrecord").exists()


def test_names_that_are_no_text_and_what_is_no_file(tmp_path, output):
    folder = tmp_path / "set"
    for number, raw in enumerate((b"\xc7\xa7\xb7_1.jpg", b"\xc7\xa7\xb8_1.jpg", b"a_1.jpg")):
        labelled(folder / os.fsdecode(raw), draw(number), "Ｒｉｎ" if number else "Rin")
    os.mkfifo(folder / "b.xml")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    assert convert(folder, output) == 0
    assert set(splits_of(output)) == {"ǧ\\xb7_1.jpg".encode(), "ǧ\\xb8_1.jpg".encode(), b"a_1.jpg"}
    assert json.loads((output / "dataset.json").read_text(encoding="utf-8"))["labels"] == ["Rin", "Ｒｉｎ"]
    problems = (output / "problems.csv").read_text(encoding="utf-8")
    assert "b.xml,,neither a file nor a folder,passed over\nloop.jpg,,link that leads to no file," in problems


def test_strict(pictures, output, capfd):
    assert convert(pictures, output, "--strict") == 0
    before = digests(output)
    (pictures / "episode0_001.jpg").write_bytes(b"no picture")
    assert convert(pictures, output, "--strict") == 1
    said = capfd.readouterr()
    assert "--strict, and there are 1 problems" in said.err
    assert "not a picture" in said.out
    after = digests(output)
    assert before.pop("problems.csv") != after.pop("problems.csv")
    assert after == before
    assert convert(pictures, output) == 0


def test_what_is_wrong_is_listed_and_what_is_good_can_be_decoded(tmp_path, output, capfd, monkeypatch):
    """tests/datasets/test_folder.py compares what is said of each file."""
    monkeypatch.setenv("COLUMNS", "160")
    expected = write_one_of_everything(tmp_path / "set")
    assert convert(tmp_path / "set", output) == 0
    assert sorted(row["file"] for row in rows(output / "problems.csv")) == sorted(one[0] for one in expected)
    screen = " ".join(capfd.readouterr().out.split())
    for words in ("declares a DOCTYPE", "the same picture", "has too many pixels", "box over the border"):
        assert words in screen
    for split in open_dataset(output).splits.values():
        for where, one in examples(split.files):
            assert decoded(where, one).shape == tuple(one.features.feature["image/shape"].int64_list.value)


@pytest.mark.parametrize(("suffix", "content"), [(None, None), (".xml", None), (".jpg", None), (".jpg", b"")])
def test_an_empty_result_is_an_error(tmp_path, capfd, suffix, content):
    folder = tmp_path / "set"
    folder.mkdir()
    if suffix:  # one of the two files of a picture is gone, or broken
        file = labelled(folder / "a_1.jpg", draw(1), "Mira").with_suffix(suffix)
        file.unlink() if content is None else file.write_bytes(content)
    assert convert(folder, tmp_path / "records") == 1
    error = capfd.readouterr().err
    looked = f"looked for XML files in {folder} and pictures (.bmp .jfif .jpe .jpeg .jpg .png .webp)"
    assert f"nothing to convert: {looked}" in error
    assert ("problems.csv says what was wrong (1 lines)" in error) == (suffix is not None)
    assert not list((tmp_path / "records").glob("*.tfrecord"))


def test_no_box_at_all(tmp_path, capfd):
    labelled(tmp_path / "set" / "a_1.jpg", draw(1))
    assert convert(tmp_path / "set", tmp_path / "records") == 1
    assert "not one usable box in 1 pictures" in capfd.readouterr().err
    labelled(tmp_path / "named" / "b_1.jpg", draw(2), "Mira")
    assert convert(tmp_path / "named", tmp_path / "records", "--output_name=train") == 0
    assert convert(tmp_path / "set", tmp_path / "records", "--output_name=strangers") == 0
    assert open_dataset(tmp_path / "records").splits["strangers"].boxes == 0


def test_given_labels(pictures, tmp_path, output, capfd):
    given = tmp_path / "names.txt"
    given.write_text("Tobi\n千反田\n", encoding="utf-8")
    assert convert(pictures, output, f"--labels_file={given}") == 1
    error = capfd.readouterr().err
    assert f"--labels_file {given} does not list 'Mira' in episode0_001.xml, episode0_002.xml" in error
    assert "and 13 more" in error
    assert not list(output.glob("*.tfrecord"))
    given.write_text("Tobi\n千反田\nMira\n", encoding="utf-8")
    assert convert(pictures, output, f"--labels_file={given}") == 0
    assert open_dataset(output).labels == ("Tobi", "千反田", "Mira")
    given.write_text("Mira\n千反田\n", encoding="utf-8")
    assert convert(pictures, output, f"--labels_file={given}") == 1
    assert "line 1 is not 'Tobi' as in" in capfd.readouterr().err


@pytest.mark.parametrize(("flag", "message"), TABLES["convert_mistakes"])
def test_wrong_flags(pictures, tmp_path, capfd, flag, message):
    assert convert(pictures, tmp_path / "records", *flag.split()) == 1
    assert message in capfd.readouterr().err
    assert not list((tmp_path / "records").glob("*.tfrecord"))


def test_an_output_that_cannot_be(pictures, tmp_path, output, capfd):
    (tmp_path / "file").write_text("x")
    assert convert(pictures, tmp_path / "file") == 1
    assert "is a file; give a folder, existing or not" in capfd.readouterr().err
    output.mkdir()
    (output / "dataset.json").write_text('{"format": 99}')
    assert convert(pictures, output) == 1
    assert "dataset.json: not written by this version of tf_convert_data.py" in capfd.readouterr().err


def test_output_inside_the_input(pictures):
    assert convert(pictures, pictures / "records", "--figure") == 0
    assert convert(pictures, pictures / "records") == 0
    assert (pictures / "records" / "problems.csv").read_text().count("\n") == 1
    assert convert(pictures, pictures, "--figure") == 0
    assert convert(pictures, pictures) == 0
    assert (pictures / "problems.csv").read_text().count("\n") == 1


def test_figure(pictures, output):
    assert convert(pictures, output, "--figure", "--model_name=ssd_300_vgg") == 0
    figure = Image.open(output / "dataset.png")
    assert figure.width > 1000
    assert len(np.unique(np.asarray(figure.convert("L").resize((60, 40))))) > 50  # something is drawn
    before = digests(output)
    convert(pictures, output, "--figure", "--model_name=ssd_300_vgg")
    assert digests(output) == before


def test_near_duplicates_across_lists_are_said(tmp_path, capsys, rng):
    """The same still, saved twice: in the training list under one name, in the test list under another."""
    stills = [scene(rng, 64, 96) for _ in range(3)]
    for stem, still, quality in (("a_1", 0, 95), ("a_2", 1, 95), ("b_1", 2, 95), ("b_2", 0, 70)):
        for folder in ("voc", stem[0]):
            labelled(tmp_path / folder / f"{stem}.jpg", stills[still], "Mira", quality=quality)
    tree(tmp_path / "voc/ImageSets/Main", {"train.txt": "a_1\na_2\n", "test.txt": "b_1\nb_2\n"})
    assert convert(tmp_path / "voc", tmp_path / "out") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 of the 2 pictures of test look nearly the same as pictures of train (b_2.jpg like a_1" in said
    assert "share sources" not in said

    # The same sets from folders of their own, one after the other.
    leak = "1 of the 2 pictures of voc_2007_test look nearly the same as pictures of voc_2007_train"
    for folder, split, found in (("a", "train", 0), ("b", "test", 1), ("a", "train", 1), ("b", "other", 0)):
        assert convert(tmp_path / folder, tmp_path / "sets", f"--output_name=voc_2007_{split}") == 0
        assert " ".join(capsys.readouterr().out.split()).count(leak) == found, (folder, split)
