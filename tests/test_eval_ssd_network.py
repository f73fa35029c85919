"""The command line of the evaluation, from flags to files, with a network that needs no training."""

import json

import numpy as np
import pytest
from PIL import Image

import nets
from datasets.labels import write_labels
from eval_ssd_network import main
from files.writing import write_json
from nets.checkpoint import model_weights, write_checkpoint
from nets.thresholds import Thresholds
from tests.engine.colour_network import NETWORK, picture, write_records

BLACK = (0, 0.0)


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    monkeypatch.setitem(nets.NETWORKS, NETWORK.name, NETWORK)


def make_checkpoint(folder, labels) -> str:
    weights = model_weights(NETWORK.build(len(labels) + 1))
    write_checkpoint(folder, labels=labels, config={"model_name": NETWORK.name}, weights=weights)
    return str(folder)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three pictures on which the network finds all, and no false alarms."""
    folder = tmp_path_factory.mktemp("データ")
    write_labels(folder / "labels.txt", ["千反田", "[bold]折木"])
    pictures = [
        (
            "a.jpg",
            picture((1, 0.9), BLACK, BLACK, (2, 0.8)),
            [(1, "千反田", 0, False), (2, "[bold]折木", 3, False)],
        ),
        ("b.jpg", picture(BLACK, (2, 0.7), BLACK, BLACK), [(2, "[bold]折木", 1, False)]),
        ("c.jpg", picture(BLACK, BLACK, BLACK, BLACK), []),
    ]
    write_records(folder / "test_000.tfrecord", pictures)
    write_records(folder / "nobody_000.tfrecord", pictures[2:])
    return folder


def run(dataset, checkpoint, folder, *more) -> int:
    return main(
        [f"--dataset_dir={dataset}", "--checkpoint-path", checkpoint, "--eval_dir", str(folder), *more]
    )


def test_from_flags_to_files(dataset, tmp_path, capsys):
    checkpoint = make_checkpoint(tmp_path / "run", ["千反田", "[bold]折木"])
    for eval_dir in (tmp_path / "once", tmp_path / "again"):
        assert run(dataset, checkpoint, eval_dir, "--batch_size", "2", "--gallery-pictures=1") == 0
    screen = capsys.readouterr().out
    assert "千反田" in screen
    assert "[bold]折木" in screen  # names are text, not markup
    assert "mAP VOC 2007 1.0000" in screen
    assert "waiting for input" in screen
    numbers = json.loads((tmp_path / "once" / "report.json").read_text(encoding="utf-8"))
    for key in ("map_voc07", "map_voc12", "coco_ap", "coco_ap50"):
        assert numbers[key] == pytest.approx(1)
    assert numbers["images"] == 3
    assert numbers["ap_voc07"] == {"千反田": pytest.approx(1), "[bold]折木": pytest.approx(1)}
    assert numbers["checkpoint"]["model_name"] == "colours"
    assert len(numbers["checkpoint"]["weights_sha256"]) == 64
    first = {path.name: path.read_bytes() for path in (tmp_path / "once").iterdir()}
    second = {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert set(first) == {"report.json", "report.html", "detections.json"}
    # The same command writes the same files; only --eval_dir differs here, and it is among the options.
    assert first["detections.json"] == second["detections.json"]
    for name in ("report.json", "report.html"):
        assert first[name].replace(b"/once", b"/again") == second[name]


def test_strangers_and_thresholds(dataset, tmp_path, capsys):
    """The network sees somebody on one of two pictures of strangers, below one name's threshold or not."""
    checkpoint = make_checkpoint(tmp_path / "run", ["千反田", "[bold]折木"])
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    Image.fromarray(picture((1, 0.7), BLACK, BLACK, BLACK)).save(strangers / "a.png")
    Image.fromarray(picture(BLACK, BLACK, BLACK, BLACK)).save(strangers / "b.png")
    folder, numbers = tmp_path, {}
    for number, (threshold, flags) in enumerate(((0.6, ()), (0.99, ()), (0.99, ("--score_threshold=0.5",)))):
        chosen = Thresholds(0.5, {"千反田": threshold}, {"gap": 1e9})
        write_json(tmp_path / "run" / "thresholds.json", chosen.as_json())
        folder = tmp_path / str(number)
        assert run(dataset, checkpoint, folder, f"--strangers_dir={strangers}", *flags) == 0
        numbers = json.loads((folder / "report.json").read_text("utf-8"))
        assert numbers["thresholds"]["千反田"] == pytest.approx(0.5 if flags else threshold)
        assert numbers["score_threshold"] == (0.5 if flags else None)
        assert numbers["strangers"]["false_detections_per_picture"] == (0 if number == 1 else 0.5)
        assert numbers["without_objects"]["pictures"] == 1
        assert numbers["without_objects"]["false_detections"] == 0
        low, high = numbers["map_voc07_interval"]
        assert 0 <= low <= high <= 1
        assert "of the draws of as many pictures: VOC 2007" in capsys.readouterr().out
    html = (folder / "report.html").read_text("utf-8")
    assert "a.png with false detections" in html
    answer = numbers["strangers"]["with_unknown"]["gap"]
    assert (answer["false_detections"], answer["right_kept"]) == (0, 0)  # of so high a limit
    assert run(dataset, checkpoint, tmp_path / "e", f"--strangers_dir={tmp_path / 'nowhere'}") == 1
    assert "--strangers_dir" in capsys.readouterr().err


def test_names_meet_by_their_text(dataset, tmp_path, capsys):
    """One name that both have, one that only the data has, one that only the checkpoint has."""
    checkpoint = make_checkpoint(tmp_path / "run", ["千反田", "stranger"])
    assert run(dataset, checkpoint, tmp_path / "eval", "--max_pictures=2") == 0
    numbers = json.loads((tmp_path / "eval" / "report.json").read_text(encoding="utf-8"))
    assert numbers["ap_voc07"] == {"千反田": pytest.approx(1), "[bold]折木": 0, "stranger": None}
    assert numbers["map_voc12"] == pytest.approx(0.5)
    assert numbers["images"] == 2
    screen = " ".join(capsys.readouterr().out.split())
    assert "Only the first 2 of the 3 pictures of test" in screen
    assert "Warning: The checkpoint does not know [bold]折木." in screen
    assert "Warning: The dataset does not have stranger" in screen
    assert "The checkpoint does not know [bold]折木." in (tmp_path / "eval" / "report.html").read_text(
        "utf-8"
    )


def test_network_that_sees_nothing(dataset, tmp_path, capsys):
    labels = ["千反田", "[bold]折木"]
    weights = model_weights(NETWORK.build(3))
    weights = {path: np.zeros_like(array) for path, array in weights.items()}
    weights["logits_conv/bias"] = np.array([20, 0, 0], np.float32)
    write_checkpoint(tmp_path / "run", labels=labels, config={"model_name": NETWORK.name}, weights=weights)
    assert run(dataset, str(tmp_path / "run"), tmp_path / "eval") == 0
    assert json.loads((tmp_path / "eval" / "report.json").read_text("utf-8"))["map_voc07"] == 0
    assert "Nothing was detected with a score of 0.01 or more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("labels", "flags", "message"),
    [
        (["千反田", "[bold]折木"], ["--dataset_split_name=validation"], "'validation'"),
        (["千反田", "[bold]折木"], ["--dataset_split_name=nobody"], "1 pictures have no marked object"),
        (["別人"], [], "knows none of the dataset's names"),
        ([], [], "nowhere does not exist"),
    ],
)
def test_nothing_to_measure_is_status_1(dataset, tmp_path, capsys, labels, flags, message):
    checkpoint = make_checkpoint(tmp_path / "run", labels) if labels else str(tmp_path / "nowhere")
    assert run(dataset, checkpoint, tmp_path / "eval", *flags) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "eval").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--batch_size=0"], "--batch_size must be at least 1"),
        (["--score_threshold=0"], "--score_threshold must be in 0.01...1"),
        (["--max_pictures=0"], "--max_pictures must be at least 1"),
        (["--batchsize=4"], "batch_size"),
    ],
)
def test_wrong_flags_are_status_2(flags, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, "run", tmp_path / "eval", *flags)
    assert stop.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
