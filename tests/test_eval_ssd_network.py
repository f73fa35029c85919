"""The command line of the evaluation, from flags to files, with a network that needs no training."""

import re
from dataclasses import asdict

import pytest
from PIL import Image

import nets
from datasets.new_labels import write_labels
from eval_ssd_network import main
from files.writing import write_json
from nets.thresholds import Thresholds
from tests.conftest import read_json, tables
from tests.engine.colour_network import BLACK, NETWORK, make_checkpoint, picture, write_records

LABELS = ["千反田", "[bold]折木"]
MISTAKES = tables(__file__, "mistakes")


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    monkeypatch.setitem(nets.NETWORKS, NETWORK.name, NETWORK)


@pytest.fixture
def checkpoint(tmp_path):
    return make_checkpoint(tmp_path / "run", LABELS)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three pictures on which the network finds all, and no false alarms."""
    folder = tmp_path_factory.mktemp("データ")
    write_labels(folder / "labels.txt", LABELS)
    first, second = LABELS
    pictures = [
        ("a.jpg", picture((1, 0.9), BLACK, BLACK, (2, 0.8)), [(1, first, 0, False), (2, second, 3, False)]),
        ("b.jpg", picture(BLACK, (2, 0.7)), [(2, second, 1, False)]),
        ("c.jpg", picture(), []),
    ]
    write_records(folder / "test_000.tfrecord", pictures)
    write_records(folder / "nobody_000.tfrecord", pictures[2:])
    write_records(folder / "unseen_000.tfrecord", [("d.jpg", picture(), [(1, first, 0, False)])])
    return folder


def run(dataset, checkpoint, folder, *more) -> int:
    flags = f"--dataset_dir={dataset}", f"--checkpoint-path={checkpoint}", f"--eval_dir={folder}"
    return main([*flags, *more])


def test_from_flags_to_files(dataset, checkpoint, tmp_path, capsys):
    once, again = tmp_path / "once", tmp_path / "again"
    for eval_dir in (once, again):
        assert run(dataset, checkpoint, eval_dir, "--batch_size", "2", "--gallery-pictures=1") == 0
    screen = capsys.readouterr().out
    for said in ("千反田", "[bold]折木", "mAP VOC 2007 1.0000", "waiting for input"):
        assert said in screen  # names are text, not markup
    numbers = read_json(once / "report.json")
    for key in ("map_voc07", "map_voc12", "coco_ap", "coco_ap50"):
        assert numbers[key] == pytest.approx(1)
    assert numbers["images"] == 3
    assert numbers["ap_voc07"] == pytest.approx(dict.fromkeys(LABELS, 1))
    assert numbers["checkpoint"]["model_name"] == "colours"
    assert len(numbers["checkpoint"]["weights_sha256"]) == 64
    assert {path.name for path in once.iterdir()} == {"report.json", "report.html", "detections.json"}
    # The same command writes the same files; only --eval_dir differs here, and it is among the options.
    for path in once.iterdir():
        assert path.read_bytes().replace(b"/once", b"/again") == (again / path.name).read_bytes()


@pytest.mark.slow
def test_strangers_and_thresholds(dataset, checkpoint, tmp_path, capsys):
    """The network sees somebody on one of two pictures of strangers, below one name's threshold or not."""
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    Image.fromarray(picture((1, 0.7))).save(strangers / "a.png")
    Image.fromarray(picture()).save(strangers / "b.png")
    folder, numbers = tmp_path, {}
    for number, (threshold, flags) in enumerate(((0.99, ()), (0.99, ("--score_threshold=0.5",)))):
        chosen = Thresholds(0.5, {"千反田": threshold}, {"gap": 1e9})
        write_json(checkpoint / "thresholds.json", asdict(chosen))
        folder = tmp_path / str(number)
        assert run(dataset, checkpoint, folder, f"--strangers_dir={strangers}", *flags) == 0
        numbers = read_json(folder / "report.json")
        assert numbers["thresholds"]["千反田"] == pytest.approx(0.5 if flags else threshold)
        assert numbers["score_threshold"] == (0.5 if flags else None)
        assert numbers["strangers"]["false_detections_per_picture"] == (0.5 if flags else 0)
    assert numbers["without_objects"].items() >= {"pictures": 1, "false_detections": 0}.items()
    assert [0, *numbers["map_voc07_interval"], 1] == sorted([0, *numbers["map_voc07_interval"], 1])
    assert "of the draws of as many pictures: VOC 2007" in capsys.readouterr().out
    assert "a.png with false detections" in (folder / "report.html").read_text("utf-8")
    answer = numbers["strangers"]["with_unknown"]["gap"]
    assert (answer["false_detections"], answer["right_kept"]) == (0, 0)  # of so high a limit
    assert run(dataset, checkpoint, tmp_path / "e", f"--strangers_dir={tmp_path / 'nowhere'}") == 1
    assert "--strangers_dir" in capsys.readouterr().err


def test_names_meet_by_their_text(dataset, tmp_path, capsys):
    """One name that both have, one that only the data has, one that only the checkpoint has."""
    checkpoint = make_checkpoint(tmp_path / "run", ["千反田", "stranger"])
    assert run(dataset, checkpoint, tmp_path / "eval", "--max_pictures=2") == 0
    numbers = read_json(tmp_path / "eval/report.json")
    assert numbers["ap_voc07"] == {"千反田": pytest.approx(1), "[bold]折木": 0, "stranger": None}
    assert numbers["map_voc12"] == pytest.approx(0.5)
    assert numbers["images"] == 2
    screen = " ".join(capsys.readouterr().out.split())
    page = (tmp_path / "eval" / "report.html").read_text("utf-8")
    assert "Only the first 2 of the 3 pictures of test" in screen
    assert "Warning: The checkpoint does not know [bold]折木." in screen
    assert "Warning: The dataset does not have stranger" in screen
    assert "The checkpoint does not know [bold]折木." in page


def test_nothing_is_seen(dataset, checkpoint, tmp_path, capsys):
    assert run(dataset, checkpoint, tmp_path / "eval", "--dataset_split_name=unseen") == 0
    assert read_json(tmp_path / "eval/report.json")["map_voc07"] == 0
    assert "Nothing was detected with a score of 0.01 or more" in capsys.readouterr().out


@pytest.mark.parametrize(("labels", "flags", "message"), MISTAKES["evaluate"])
def test_nothing_to_measure_is_status_1(dataset, tmp_path, capsys, labels, flags, message):
    checkpoint = make_checkpoint(tmp_path / "run", labels) if labels else tmp_path / "nowhere"
    assert run(dataset, checkpoint, tmp_path / "eval", *flags) == 1
    assert re.search(message, capsys.readouterr().err, re.DOTALL)
    assert not (tmp_path / "eval").exists()


@pytest.mark.parametrize(("flag", "message"), MISTAKES["evaluate_flags"])
def test_wrong_flags_are_status_2(flag, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, "run", tmp_path / "eval", flag)
    assert stop.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
