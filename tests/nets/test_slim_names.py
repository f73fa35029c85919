from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from nets.slim_names import (
    find_scopes,
    keras_path,
    load_slim_variables,
    read_slim_variables,
    slim_name,
    slim_variables,
)
from tests.conftest import tables


@pytest.fixture
def model():
    """Two convolutions, a batch norm and a class head: 9 variables."""
    images = keras.Input((4, 4, 3))
    features = layers.Conv2D(2, 3, name="block1.conv1")(images)
    features = layers.BatchNormalization(name="block1.norm")(features)
    features = layers.Conv2D(2, 1, name="block10.conv1", use_bias=False)(features)
    return keras.Model(images, layers.Conv2D(6, 1, name="block10_box.conv_cls")(features), name="ssd_tiny")


def values(model, scope, fill=0.5) -> dict[str, Any]:
    """A source with every variable of the model."""
    return {
        name: np.full(array.shape, fill, np.float32) for name, array in slim_variables(model, scope).items()
    }


@pytest.mark.parametrize(("ours", "slim"), tables(__file__)["slim_names"])
def test_the_rule_and_its_inverse(ours, slim):
    assert slim_name(ours) == slim
    assert keras_path(slim) == ours


@pytest.mark.parametrize("scope", ["a/b/", ""])
def test_every_variable_goes_there_and_back(model, rng, scope):
    before = slim_variables(model, scope.rstrip("/"))
    assert f"{scope}block1/norm/moving_variance" in before
    assert [keras_path(name) for name in slim_variables(model)] == [weight.path for weight in model.weights]
    changed = {name: rng.normal(size=array.shape).astype(np.float32) for name, array in before.items()}
    report = load_slim_variables(model, changed, scope=scope)
    assert (sorted(report.restored), report.skipped, report.missing) == (sorted(changed), [], [])
    after = slim_variables(model, scope.rstrip("/"))
    for name, array in changed.items():
        np.testing.assert_array_equal(after[name], array)


def test_float16_and_float64_values_become_the_variables_float32(model):
    source = values(model, "s")
    source["s/block1/conv1/weights"] = np.full((3, 3, 3, 2), 0.25, np.float16)
    source["s/block1/conv1/biases"] = np.full((2,), 0.125, np.float64)
    assert len(load_slim_variables(model, source, scope="s").restored) == 9
    after = slim_variables(model, "s")
    assert after["s/block1/conv1/weights"].dtype == np.float32
    np.testing.assert_array_equal(after["s/block1/conv1/weights"], 0.25)
    np.testing.assert_array_equal(after["s/block1/conv1/biases"], 0.125)


def test_a_head_for_other_classes_is_skipped_and_stays_fresh(model):
    fresh = slim_variables(model, "s")["s/block10_box/conv_cls/weights"]
    source = values(model, "s")
    source["s/block10_box/conv_cls/weights"] = np.ones((1, 1, 2, 84), np.float32)
    source["s/block10_box/conv_cls/biases"] = np.ones((84,), np.float32)
    report = load_slim_variables(model, source, scope="s")
    assert report.skipped == ["s/block10_box/conv_cls/weights", "s/block10_box/conv_cls/biases"]
    assert report.missing == []
    assert report.reasons["s/block10_box/conv_cls/biases"] == "shape [84], the network has [6]"
    np.testing.assert_array_equal(slim_variables(model, "s")["s/block10_box/conv_cls/weights"], fresh)


def test_training_state_and_strangers_are_skipped_with_their_reason(model):
    reasons = tables(__file__)["strangers"]
    given = values(model, "s") | dict.fromkeys(reasons, np.ones(2, np.float32))
    report = load_slim_variables(model, given, scope="s")
    assert (report.skipped, list(report.reasons.items())) == (list(reasons), list(reasons.items()))


def test_missing_names_what_the_source_lacks(model):
    source = values(model, "s")
    del source["s/block10/conv1/weights"]
    report = load_slim_variables(model, source, scope="s")
    assert report.missing == ["s/block10/conv1/weights"]
    assert len(report.restored) == 8


@pytest.mark.parametrize(("skip", "left_alone"), tables(__file__)["skipped"])
def test_skip_matches_whole_path_components(model, skip, left_alone):
    report = load_slim_variables(model, values(model, "s"), scope="s", skip=skip)
    assert {name.removeprefix("s/").rpartition("/")[0] for name in report.skipped} == {*left_alone}
    assert len(report.restored) + len(report.skipped) == 9
    assert report.missing == []


@pytest.mark.parametrize(("source", "options", "message"), tables(__file__)["nothing_fits"])
def test_where_nothing_fits_the_message_says_why_and_the_model_stays(model, source, options, message):
    fresh = slim_variables(model)
    given = values(model, source) if isinstance(source, str) else dict.fromkeys(source, np.zeros(2))
    with pytest.raises(ValueError, match=message):
        load_slim_variables(model, given, **options)
    for name, array in slim_variables(model).items():
        np.testing.assert_array_equal(array, fresh[name])


def test_without_a_scope_the_fullest_one_is_found(model):
    source = values(model, "best", fill=1.0)
    source |= {"a/block1/conv1/biases": np.zeros((2,), np.float32)}
    assert find_scopes(model, source) == ["best", "a"]
    assert len(load_slim_variables(model, source).restored) == 9
    np.testing.assert_array_equal(slim_variables(model)["block1/conv1/biases"], 1.0)


# TensorFlow reads its checkpoints whatever the backend; its import alone takes seconds.
@pytest.mark.tensorflow_only
@pytest.mark.parametrize(
    ("path", "count"),
    [(".", 16), ("v1_model.ckpt", 5)],  # what else may name one: test_slim_files.py
)
def test_tensorflow_1_checkpoints_are_read(seeded_vgg, shared, path, count):
    variables = read_slim_variables(shared / "golden" / "small_ckpt" / path)
    assert len(variables) == count
    weights = variables.pop("ssd_300_vgg/conv1/conv1_1/weights")
    np.testing.assert_array_equal(weights, seeded_vgg.variables["ssd_300_vgg/conv1/conv1_1/weights"])


@pytest.mark.tensorflow_only
def test_a_tensorflow_1_checkpoint_goes_into_the_network(seeded_vgg, shared):
    # The checkpoint holds some of the very values that the network has, so the shared fixture stays as it is.
    report = load_slim_variables(seeded_vgg.model, shared / "golden" / "small_ckpt" / "v2_model.ckpt-1234")
    assert len(report.restored) == 13
    assert sorted(report.skipped) == [
        "global_step",
        "ssd_300_vgg/block4_box/L2Normalization/gamma/Adam",
        "ssd_300_vgg/block4_box/L2Normalization/gamma/Adam_1",
    ]
    assert len(report.missing) == 71 - 13
    after = slim_variables(seeded_vgg.model, "ssd_300_vgg")
    for name in report.restored:
        np.testing.assert_array_equal(after[name], seeded_vgg.variables[name])
