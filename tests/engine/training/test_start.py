import itertools
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import nets
from boxes.anchors import shapes_of, with_shapes
from datasets.new_labels import write_labels
from engine.training.start import choose_anchors, keeps_statistics, starting_weights
from files.writing import write_arrays
from nets import get_network
from nets.checkpoint import ANCHOR_SHAPES, read_checkpoint
from nets.detector import Detector
from nets.saving import model_weights, write_checkpoint
from nets.slim_names import slim_variables
from tests.engine.training_run import run, run_until

NETWORK = get_network("ssd_300_lite")


@pytest.fixture(scope="module")
def trained():
    model = NETWORK.build(4)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(size=variable.shape))
    return model


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    target = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(
        target, labels=["a", "b", "c"], config={"model_name": "ssd_300_lite"}, weights=model_weights(trained)
    )
    return target


def head(model):
    kernel = model.get_layer("head19.conv_cls").get_weights()[0]
    return kernel.reshape(*kernel.shape[:3], 4, -1)


def test_names_are_matched_by_text_and_new_ones_start_fresh(trained, folder):
    model = NETWORK.build(4)
    fresh = head(model).copy()
    start = starting_weights(model, NETWORK, ["c", "new", "a"], str(folder))
    new, old = head(model), head(trained)
    np.testing.assert_array_equal(new[..., 0], old[..., 0])  # background
    np.testing.assert_array_equal(new[..., 1], old[..., 3])  # c
    np.testing.assert_array_equal(new[..., 2], fresh[..., 2])  # new
    np.testing.assert_array_equal(new[..., 3], old[..., 1])  # a
    assert "new names: new" in start.source
    assert start.restored
    assert not start.fresh


def test_another_number_of_names_and_a_character_called_background(trained, folder):
    model = NETWORK.build(3)
    starting_weights(model, NETWORK, ["b", "background"], str(folder))
    np.testing.assert_array_equal(head(model)[..., :2], head(trained)[..., [0, 2]])
    assert not np.array_equal(head(model)[..., 2], head(trained)[..., 0])


def test_excluded_scopes_stay_fresh(folder):
    model = NETWORK.build(4)
    before = model.get_layer("stage1.conv").get_weights()[0].copy()
    start = starting_weights(model, NETWORK, ["a", "b", "c"], str(folder), skip=("stage1", "conv_cls"))
    np.testing.assert_array_equal(model.get_layer("stage1.conv").get_weights()[0], before)
    assert "stage1.conv/kernel" in start.fresh
    assert "stage2.conv/kernel" in start.restored


def test_variables_by_slim_name_some_of_which_are_skipped(trained, tmp_path):
    path = tmp_path / "weights.npz"
    write_arrays(path, slim_variables(trained, "some/scope"))
    model = NETWORK.build(4)
    start = starting_weights(model, NETWORK, ["x", "y", "z"], str(path), skip=("some/scope/stage1",))
    np.testing.assert_array_equal(head(model), head(trained))
    assert {path.split(".")[0] for path in start.fresh} == {"stage1"}
    assert len(start.restored) == len(model.weights) - len(start.fresh)


def test_too_little_restored_is_an_error(trained, tmp_path):
    path = tmp_path / "weights.npz"
    write_arrays(path, {name: value for name, value in slim_variables(trained).items() if "stage1/" in name})
    with pytest.raises(ValueError, match=r"restored only \d+ of"):
        starting_weights(NETWORK.build(4), NETWORK, ["x", "y", "z"], str(path))


def test_another_network_is_refused(folder):
    vgg = get_network("ssd_300_vgg")
    with pytest.raises(ValueError, match="--model_name=ssd_300_lite"):
        starting_weights(NETWORK.build(4), vgg, ["a", "b", "c"], str(folder))


@pytest.fixture(scope="module")
def mobilenet():
    network = get_network("ssd_300_mobilenet_v2")
    return network, network.build(4)


def fresh_heads(start):
    return {path.rpartition("/")[0] for path in start.fresh}


HEADS = {f"BoxPredictor_{index}.ClassPredictor" for index in range(6)}


def test_coco_weights_restore_everything_but_the_class_heads(mobilenet, shared):
    network, model = mobilenet
    before = model.get_layer("BoxPredictor_0.ClassPredictor").get_weights()
    path = shared / "weights" / "ssdlite_mobilenet_v2_coco.npz"
    start = starting_weights(model, network, ["a", "b", "c"], str(path))
    assert (len(start.restored), len(start.fresh)) == (392, 12)
    assert fresh_heads(start) == HEADS
    assert "without its class outputs (trained as sigmoids): 392 of 404 variables restored" in start.summary()
    kernel, bias = model.get_layer("BoxPredictor_0.ClassPredictor").get_weights()
    np.testing.assert_array_equal(kernel, before[0])
    np.testing.assert_allclose(bias.reshape(3, 4), [[np.log(9.0), 0, 0, 0]] * 3, atol=1e-6)


def test_sigmoid_heads_of_a_checkpoint_start_fresh_even_under_the_same_names(mobilenet, tmp_path):
    network, model = mobilenet
    weights = model_weights(model)
    config = {"model_name": network.name, "scores": "sigmoid"}
    write_checkpoint(tmp_path / "coco", labels=["a", "b", "c"], config=config, weights=weights)
    start = starting_weights(network.build(4), network, ["a", "b", "c"], str(tmp_path / "coco"))
    assert fresh_heads(start) == HEADS
    assert "without its class outputs (trained as sigmoids)" in start.source
    # A head that was trained here is matched by name, as in every network.
    write_checkpoint(tmp_path / "mine", labels=["a"], config={"model_name": network.name}, weights=weights)
    start = starting_weights(network.build(4), network, ["a", "b", "c"], str(tmp_path / "mine"))
    assert "names it knows: a; new names: b, c" in start.source


def test_the_same_trunk_starts_from_smaller_pictures(mobilenet, tmp_path):
    network, model = mobilenet
    shapes = [[side / 2 for side in pair] for pair in shapes_of(network.anchor_layers)]
    config = {"model_name": network.name, ANCHOR_SHAPES: shapes}
    write_checkpoint(tmp_path, labels=["a", "b", "c"], config=config, weights=model_weights(model))
    larger = get_network("ssd_512_mobilenet_v2")
    assert not starting_weights(larger.build(4), larger, ["a", "b", "c"], str(tmp_path)).fresh
    chosen = choose_anchors(larger, "start", str(tmp_path), batches=list, say=print).anchor_layers
    assert ([layer.rows for layer in chosen], shapes_of(chosen)) == ([32, 16, 8, 4, 2, 1], shapes)


def test_where_batch_normalisation_keeps_what_it_starts_with(mobilenet):
    """COCO's weights come with their statistics folded into scales and shifts; ImageNet's have real ones."""
    assert keeps_statistics(mobilenet[0], "coco.npz")
    assert not keeps_statistics(mobilenet[0], "")
    assert not keeps_statistics(NETWORK, "run")


@pytest.fixture
def wide(tiny, monkeypatch):
    """A network whose anchors are too wide for the squares."""
    layers = with_shapes(tiny.anchor_layers, [[0.2, 0.5], [0.3, 0.6]])
    network = replace(tiny, name="wide", anchor_layers=layers)
    monkeypatch.setitem(nets.NETWORKS, "wide", network)
    return network


@pytest.mark.slow
def test_fitted_anchors_go_with_the_weights(options, wide, monkeypatch):
    monkeypatch.setattr("engine.training.start.FITTED_BOXES", 100)  # the squares come two a batch
    fitting = options | {"model_name": wide.name, "max_number_of_steps": 1, "anchors": "fitted"}
    said = run(**fitting)
    assert "Anchors fitted to" in said
    fitted = read_checkpoint(fitting["train_dir"]).network
    assert fitted.anchor_layers != wide.anchor_layers
    assert fitted.anchors.shape == wide.anchors.shape
    assert (Detector.load(fitting["train_dir"]).network.anchors == fitted.anchors).all()
    assert (read_checkpoint(fitting["train_dir"] / "last").network.anchors == fitted.anchors).all()

    # A training that starts from them has them too, unless it is told otherwise.
    said = []

    def ask(network, choice):
        return choose_anchors(network, choice, str(fitting["train_dir"]), batches=list, say=said.append)

    assert ask(wide, "start").anchor_layers == fitted.anchor_layers
    assert "where they were fitted to its labels" in said[0]
    assert ask(wide, "network") == wide
    monkeypatch.chdir(fitting["train_dir"])
    assert choose_anchors(wide, "start", "", batches=list, say=said.append) == wide  # "" is no folder
    other = replace(wide, name="other")
    assert ask(other, "start") == other
    assert len(said) == 1


def test_pictures_with_few_boxes_or_none_do_not_keep_it_looking_for_ever(wide, monkeypatch):
    monkeypatch.setattr("engine.training.start.MOST_PICTURES", 60)

    def batches(boxes: int):
        for number in itertools.count():
            box = np.array([[[0.1, 0.1, 0.5, 0.4]]], np.float32)
            yield np.zeros((1, 4, 4, 3)), {"boxes": box, "classes": np.array([[int(number < boxes)]])}

    said = []
    fit = partial(choose_anchors, wide, "fitted", "", say=said.append)
    assert fit(batches=lambda: batches(40)) != wide
    assert "fitted to 40 boxes" in said[0]
    assert fit(batches=lambda: batches(0)) == wide
    assert "no boxes to fit anchors to" in said[1]


def test_a_name_is_added_without_forgetting(options, finished, tmp_path):
    """All that is known stays bit for bit, through resume, whatever the recipe says of decay and anchors."""
    records = Path(shutil.copytree(options["dataset_dir"], tmp_path / "more"))
    write_labels(records / "labels.txt", ["red 赤", "blue", "new"])
    start = str(shutil.copytree(finished["train_dir"], tmp_path / "start"))
    more = {**options, "dataset_dir": records, "train_dir": tmp_path / "six", "checkpoint_path": start}
    more |= {"trainable_scopes": "new_names", "learning_rate": 0.1, "anchors": "fitted", "weight_decay": 0.5}
    run_until(3, **more)
    assert "after step 3 of 4" in run(**more)
    old, new = read_checkpoint(Path(start)), read_checkpoint(tmp_path / "six" / "last")
    assert new.network.anchor_layers == old.network.anchor_layers
    for path, array in new.weights.items():
        if "conv_cls" in path:
            outputs, array = (one.reshape(*one.shape[:-1], 2, -1) for one in (old.weights[path], array))
            np.testing.assert_array_equal(array[..., :3], outputs)
            assert (array[..., 3] != 0).all()
        else:
            np.testing.assert_array_equal(array, old.weights[path])
    squares, last = (
        {"dataset_dir": options["dataset_dir"]},
        {"checkpoint_path": str(tmp_path / "six" / "last")},
    )
    wrong = {"knows all names": squares, "labels.txt lacks new": squares | last}
    for said, change in {**wrong, "adds names to a detector": {"checkpoint_path": ""}}.items():
        with pytest.raises(ValueError, match=said):
            run(**{**more, "train_dir": tmp_path / "no", **change})
