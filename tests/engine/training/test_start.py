from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.training.freezing import demand_statistics, freezes_batch_norm, norms, set_trainable
from engine.training.options import TrainingOptions
from engine.training.start import expect_background, starting_weights
from files.arrays import write_arrays
from nets import get_network
from nets.checkpoint import model_weights, write_checkpoint
from nets.slim_names import slim_variables

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


def test_another_number_of_names(trained, folder):
    model = NETWORK.build(2)
    starting_weights(model, NETWORK, ["b"], str(folder))
    np.testing.assert_array_equal(head(model)[..., 1], head(trained)[..., 2])


def test_a_character_called_background_is_no_background(trained, folder):
    model = NETWORK.build(2)
    starting_weights(model, NETWORK, ["background"], str(folder))
    np.testing.assert_array_equal(head(model)[..., 0], head(trained)[..., 0])
    assert not np.array_equal(head(model)[..., 1], head(trained)[..., 0])


def test_excluded_scopes_stay_fresh(folder):
    model = NETWORK.build(4)
    before = model.get_layer("stage1.conv").get_weights()[0].copy()
    start = starting_weights(model, NETWORK, ["a", "b", "c"], str(folder), skip=("stage1", "conv_cls"))
    np.testing.assert_array_equal(model.get_layer("stage1.conv").get_weights()[0], before)
    assert "stage1.conv/kernel" in start.fresh
    assert "stage2.conv/kernel" in start.restored


def test_variables_by_slim_name(trained, tmp_path):
    path = tmp_path / "weights.npz"
    write_arrays(path, slim_variables(trained, "some/scope"))
    model = NETWORK.build(4)
    start = starting_weights(model, NETWORK, ["x", "y", "z"], str(path))
    np.testing.assert_array_equal(head(model), head(trained))
    assert len(start.restored) == len(model.weights)


def test_a_scope_that_holds_nothing_gives_way_to_the_one_that_does(trained, tmp_path):
    """SSD-Tensorflow's README says vgg_16 when it goes on from its own checkpoint, whose scope is another."""
    path = tmp_path / "weights.npz"
    write_arrays(path, slim_variables(trained, "ssd_300_lite"))
    model = NETWORK.build(4)
    start = starting_weights(
        model, NETWORK, ["x", "y", "z"], str(path), scope="vgg_16", skip=("ssd_300_lite/stage1",)
    )
    np.testing.assert_array_equal(head(model), head(trained))
    assert {path.split(".")[0] for path in start.fresh} == {"stage1"}
    assert "nothing of ssd_300_lite under 'vgg_16': taken from 'ssd_300_lite'" in start.summary()


def test_too_little_restored_is_an_error(trained, tmp_path):
    path = tmp_path / "weights.npz"
    write_arrays(path, {name: value for name, value in slim_variables(trained).items() if "stage1/" in name})
    with pytest.raises(ValueError, match=r"restored only \d+ of"):
        starting_weights(NETWORK.build(4), NETWORK, ["x", "y", "z"], str(path))


def test_another_network_is_refused(folder):
    vgg = get_network("ssd_300_vgg")
    with pytest.raises(ValueError, match="--model_name=ssd_300_lite"):
        starting_weights(NETWORK.build(4), vgg, ["a", "b", "c"], str(folder))


def test_random_weights_say_so():
    start = starting_weights(NETWORK.build(2), NETWORK, ["a"], "")
    assert not start.restored
    assert "random" in start.summary()


def test_fresh_class_heads_expect_ninety_nine_parts_of_background_for_the_focal_loss():
    model = NETWORK.build(4)
    fresh = [variable.path for variable in model.weights if "head19" not in variable.path]
    kept = model.get_layer("head19.conv_cls").get_weights()[1]
    expect_background(model, fresh, 4)
    biases = model.get_layer("head38.conv_cls").get_weights()[1].reshape(-1, 4)
    share = np.exp(biases) / np.exp(biases).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        share, np.tile([0.99, 0.01 / 3, 0.01 / 3, 0.01 / 3], (len(share), 1)), rtol=1e-4
    )
    np.testing.assert_array_equal(model.get_layer("head19.conv_cls").get_weights()[1], kept)


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


def test_folded_statistics_are_not_trained_on(mobilenet):
    model = mobilenet[1]
    for weight in model.weights:
        if weight.path.endswith("moving_mean"):
            weight.assign(np.zeros(weight.shape))
    restored = [weight.path for weight in model.weights]
    given: dict[str, Any] = {"dataset_dir": Path(), "train_dir": Path(), "checkpoint_path": "coco.npz"}
    for choice in ("auto", "on"):
        options = TrainingOptions(**given, freeze_batch_norm=choice)
        set_trainable(model, options, unfrozen=False)
        demand_statistics(model, options, restored)
        assert not any(norm.trainable for norm in norms(model))
        assert len(norms(model)) == 1 + 2 + 16 * 3 + 1 + 4 * 3 + 6 * 2
    options = TrainingOptions(**given, freeze_batch_norm="off")
    set_trainable(model, options, unfrozen=False)
    with pytest.raises(ValueError, match=r"off cannot start from coco\.npz.*moving_mean.*folded"):
        demand_statistics(model, options, restored)
    demand_statistics(model, options, [])  # fresh statistics are no lie


def test_where_batch_normalisation_is_frozen_by_itself(mobilenet):
    model = mobilenet[1]

    def frozen(model, **given):
        return freezes_batch_norm(model, TrainingOptions(dataset_dir=Path(), train_dir=Path(), **given))

    assert frozen(model, checkpoint_path="coco.npz")
    assert not frozen(model, checkpoint_path="imagenet")
    assert not frozen(model)
    assert not frozen(NETWORK.build(2), checkpoint_path="run")
    assert frozen(NETWORK.build(2), checkpoint_path="run", freeze_batch_norm="on")
