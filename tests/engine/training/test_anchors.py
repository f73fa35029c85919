import itertools
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import nets
from boxes.anchor_fitting import with_shapes
from engine.training.anchors import choose_anchors
from nets.checkpoint import CONFIG, read_checkpoint
from nets.detector import Detector
from tests.engine.training_run import run, stop_at


@pytest.fixture
def wide(tiny, monkeypatch):
    """A network whose anchors are too wide for the squares."""
    layers = with_shapes(tiny.anchor_layers, [[0.2, 0.5], [0.3, 0.6]])
    network = replace(tiny, name="wide", anchor_layers=layers)
    monkeypatch.setitem(nets.NETWORKS, "wide", network)
    return network


@pytest.fixture
def options(squares, tmp_path, wide, monkeypatch):
    monkeypatch.setattr("engine.training.anchors.FITTED_BOXES", 100)  # the squares come two a batch
    return {
        "dataset_dir": squares,
        "train_dir": tmp_path / "fitted",
        "model_name": wide.name,
        "batch_size": 2,
        "max_number_of_steps": 2,
        "jit_compile": "off",
        "report": False,
        "anchors": "fitted",
    }


def test_fitted_anchors_go_with_the_weights(options, wide):
    said = run(**options)
    assert "Anchors fitted to" in said
    fitted = read_checkpoint(options["train_dir"]).network
    assert fitted.anchor_layers != wide.anchor_layers
    assert fitted.anchors.shape == wide.anchors.shape
    assert (Detector.load(options["train_dir"]).network.anchors == fitted.anchors).all()
    assert (read_checkpoint(options["train_dir"] / "last").network.anchors == fitted.anchors).all()

    # A training that starts from them has them too, unless it is told otherwise.
    said = []
    ask = partial(choose_anchors, checkpoint_path=str(options["train_dir"]), batches=list, say=said.append)
    assert ask(wide, "start").anchor_layers == fitted.anchor_layers
    assert "where they were fitted to its labels" in said[0]
    assert ask(wide, "network") == wide
    other = replace(wide, name="other")
    assert ask(other, "start") == other
    assert len(said) == 1


def test_pictures_with_few_boxes_or_none_do_not_keep_it_looking_for_ever(wide, monkeypatch):
    monkeypatch.setattr("engine.training.anchors.MOST_PICTURES", 60)

    def batches(boxes: int):
        for number in itertools.count():
            box = np.array([[[0.1, 0.1, 0.5, 0.4]]], np.float32)
            yield np.zeros((1, 4, 4, 3)), {"boxes": box, "classes": np.array([[int(number < boxes)]])}

    said = []
    fit = partial(choose_anchors, wide, "fitted", checkpoint_path="", say=said.append)
    assert fit(batches=lambda: batches(40)) != wide
    assert "fitted to 40 boxes" in said[0]
    assert fit(batches=lambda: batches(0)) == wide
    assert "no boxes to fit anchors to" in said[1]


def test_a_resumed_training_keeps_the_anchors_that_it_was_begun_with(options, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 1)
        run(**options)
    path = options["train_dir"] / CONFIG
    begun = json.loads(path.read_text(encoding="utf-8"))
    begun["anchor_shapes"] = [[0.25, 0.2], [0.4, 0.5]]  # others than the fit gives, so that it would show
    path.write_text(json.dumps(begun), encoding="utf-8")
    said = run(**options)
    assert "after step 1 of 2" in said
    assert "Anchors fitted" not in said
    assert read_checkpoint(options["train_dir"]).network.anchor_layers[0].shapes == ((0.25, 0.2), (0.4, 0.5))
