"""SSD-Tensorflow's command lines, run: literally, in a folder with what they name, for a few small steps."""

import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

import eval_ssd_network
import nets
import tf_convert_data
import train_ssd_network
from datasets.examples import VOC_NAMES
from datasets.new_labels import write_labels
from datasets.voc import VocObject, write_annotation
from nets import get_network
from nets.checkpoint import read_checkpoint
from nets.slim_names import slim_variables
from tests.conftest import read_json
from tests.engine.colour_network import NETWORK, make_checkpoint, picture, write_records
from tests.ssd_tensorflow.test_flags import CONVERT, EVALUATIONS, TRAININGS, TYPED

pytestmark = pytest.mark.tensorflow_only
REPORT = Path("logs/eval/report.json")
SMALL = ["--batch_size=2", "--max_number_of_steps=2"]  # the last value of a flag counts


# ------------------------------------------------------------- fast, with a network that needs no training
@pytest.fixture
def colours(monkeypatch, tmp_path):
    """A folder with records, named as SSD-Tensorflow names them, and a finished training."""
    monkeypatch.setitem(nets.NETWORKS, NETWORK.name, NETWORK)
    monkeypatch.chdir(tmp_path)
    seen = ("a.jpg", picture((1, 0.9)), [(1, "千反田", 0, False)])
    not_seen = ("b.jpg", picture(), [(1, "千反田", 0, False)])
    Path("tfrecords").mkdir()
    write_labels(Path("tfrecords/labels.txt"), ["千反田"])
    write_records(Path("tfrecords/voc_2007_test_000.tfrecord"), [seen, seen, not_seen])
    write_records(Path("tfrecords/voc_2012_test_000.tfrecord"), [not_seen])
    checkpoint(step=3)
    return tmp_path


def checkpoint(step: int) -> None:
    for folder in (Path("logs"), Path("logs/last")):
        make_checkpoint(folder, ["千反田"], step=step)


def evaluation(*more: str) -> list[str]:
    command = EVALUATIONS["beside a training"].replace("ssd_300_vgg", NETWORK.name)
    return [*shlex.split(command), *more]


@pytest.mark.slow
def test_batches_times_their_size_are_measured_beside_a_training(colours, capsys):
    assert eval_ssd_network.main(evaluation("--max_num_batches=1", "--batch_size=2")) == 0
    assert "wait_for_checkpoints" in capsys.readouterr().out
    assert read_json(REPORT)["images"] == 2
    assert read_json(REPORT)["map_voc07"] == pytest.approx(1)


# ------------------------------------------------------------------------------------------ slow, for real
@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """VOC2007/test as a camera would have it, vgg_16.ckpt, ssd_300_vgg.ckpt and a log of SSD-Tensorflow."""
    folder = tmp_path_factory.mktemp("ssd-tensorflow")
    data = folder / "VOC2007" / "test"
    rng = np.random.default_rng(0)
    for name in ("Annotations", "JPEGImages"):
        (data / name).mkdir(parents=True)
    for number, name in enumerate(("dog", "person", "dog", "cat", "person", "dog")):
        image = rng.integers(0, 255, (90, 120, 3), np.uint8)
        image[20:70, 30:90] = (40 * number, 200, 90)
        path = data / "JPEGImages" / f"00000{number}.jpg"
        cv2.imwrite(str(path), image)
        box = VocObject(name, (31, 21, 90, 70))
        write_annotation(data / "Annotations" / f"00000{number}.xml", path, 120, 90, [box])
    (folder / "checkpoints").mkdir()
    (folder / "log").mkdir()
    published = slim_variables(get_network("ssd_300_vgg").build(21), "ssd_300_vgg")
    saver = tf.compat.v1.train.SaverDef
    vgg_16 = {
        name.replace("ssd_300_vgg/", "vgg_16/"): value
        for name, value in published.items()
        if name.split("/")[1] in ("conv1", "conv2", "conv3", "conv4", "conv5")
    }
    save(folder / "checkpoints" / "vgg_16.ckpt", vgg_16, saver.V1)
    save(folder / "checkpoints" / "ssd_300_vgg.ckpt", published, saver.V2)
    save(folder / "log" / "model.ckpt-N", published, saver.V2)
    (folder / "logs").mkdir()
    return folder


def save(path, variables, version) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in {**variables, "global_step": np.int64(1)}.items():
            tf.compat.v1.get_variable(name, initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(write_version=version)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)


@pytest.mark.slow
def test_the_readme_from_top_to_bottom(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    for set_name in ("voc_2007_train", "voc_2007_test", "voc_2012_train"):
        command = CONVERT.replace("voc_2007_train", set_name)
        assert tf_convert_data.main(shlex.split(command)) == 0
    assert Path("tfrecords/labels.txt").read_text(encoding="utf-8").split() == list(VOC_NAMES)

    for number, (name, command) in enumerate(TRAININGS.items()):
        command = command.replace("./tfrecords_/", "./tfrecords")
        arguments = [*shlex.split(command), f"--train_dir=run{number}", *SMALL]
        assert train_ssd_network.main(arguments) == 0, capsys.readouterr().err
        trained = read_checkpoint(Path(f"run{number}"))
        assert trained.config["start"]["restored"] == TYPED["restored"][name], name
        assert trained.labels == VOC_NAMES
    said = capsys.readouterr().out
    assert "--gpu_memory_fraction: a GPU's memory is taken as it is needed" in said
    assert "13 of 59 layers frozen" in said

    published = EVALUATIONS["published weights"].replace("./VOC2007/test/", "./tfrecords")
    published = published.replace("VGG_VOC0712_SSD_300x300_ft_iter_120000", "ssd_300_vgg")
    assert eval_ssd_network.main([*shlex.split(published), "--max_num_batches=2"]) == 0
    beside = [*shlex.split(EVALUATIONS["beside a training"]), "--checkpoint_path=run1", "--max_num_batches=2"]
    assert eval_ssd_network.main(beside) == 0
    assert "a training measures its validation set itself" in capsys.readouterr().out


@pytest.mark.slow
def test_its_records_train_and_evaluate(shared, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = f"--dataset_dir={shared / 'golden' / 'tfrecords'} --dataset_name=pascalvoc_2007 "
    data += "--dataset_split_name=train --model_name=ssd_300_lite"
    assert train_ssd_network.main([*shlex.split(data), "--train_dir=run", *SMALL]) == 0
    assert "the labels are VOC's 20 names" in capsys.readouterr().out
    assert eval_ssd_network.main([*shlex.split(data), "--checkpoint_path=run", "--eval_dir=e"]) == 0
    numbers = read_json(Path("e/report.json"))
    assert numbers["images"] == 6
    assert set(numbers["ap_voc07"]) == set(VOC_NAMES)
