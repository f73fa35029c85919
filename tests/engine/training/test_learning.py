import keras
import numpy as np
import pytest

from engine.training.learning import (
    TrainingModel,
    WarmUpThenCosine,
    constants_of,
    make_optimizer,
    multipliers_of,
    set_trainable,
)
from engine.training.options import LossOptions, OptimizerOptions

STEPS = 10  # so short that there is one step of warm-up, and no average


def parts(network, **options) -> dict[str, float]:
    """The parts of the loss of random answers about one object on each of two pictures."""
    rng = np.random.default_rng(3)
    anchors = len(network.anchors)
    answers = {
        "codes": rng.normal(size=(2, anchors, 4)).astype("f"),
        "logits": rng.normal(size=(2, anchors, 3)).astype("f"),
    }
    objects = {
        "boxes": np.array([[[0.1, 0.1, 0.5, 0.4]], [[0.3, 0.5, 0.6, 0.9]]], np.float32),
        "classes": np.array([[1], [2]], np.int32),
    }
    trainer = TrainingModel(network, network.build(3), LossOptions(**options))
    loss = trainer.compute_loss(y=objects, y_pred=answers)
    result = {name: float(value) for name, value in trainer.get_metrics_result().items()}
    total = sum(result[name] for name in ("boxes", "names", "background"))
    assert float(loss) == pytest.approx(result["loss"]) == total
    return result


def test_every_option_of_the_loss_reaches_it(tiny):
    usual = parts(tiny)
    assert parts(tiny, match_threshold=0.0) != usual
    more = parts(tiny, negative_ratio=6.0)
    assert more["background"] > usual["background"]
    assert {**more, "background": 0, "loss": 0} == {**usual, "background": 0, "loss": 0}
    assert parts(tiny, loss_alpha=2.0)["boxes"] == pytest.approx(2.0 * usual["boxes"])
    giou = parts(tiny, box_loss="giou")
    assert usual["boxes"] != giou["boxes"]
    assert giou["names"] == pytest.approx(usual["names"])


def test_multipliers_of_the_learning_rate_by_scope(tiny):
    model = tiny.build(3)
    factors = multipliers_of(model, "tiny/stage0=0.1, conv_loc=0")
    paths = [variable.path for variable in model.trainable_variables]
    expected = [0.1 if "stage0" in path else 0.0 if "conv_loc" in path else 1.0 for path in paths]
    assert factors == expected
    assert multipliers_of(model, "") is None
    with pytest.raises(ValueError, match=r"'stage0' is not scope=factor"):
        multipliers_of(model, "stage0")
    with pytest.raises(ValueError, match="block9 holds no layer of tiny"):
        multipliers_of(model, "block9=0.1")


def test_frozen_batch_normalisation_keeps_what_it_started_with(tiny):
    model = tiny.build(3)
    set_trainable(model, norms=False)
    norm = model.get_layer("stage1.norm")
    before = norm.get_weights()
    model(np.random.default_rng(0).normal(50, 9, (2, 64, 64, 3)).astype("f"), training=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, norm.get_weights(), strict=True))
    learning = {variable.path.split("/")[0] for variable in model.trainable_variables}
    assert learning == {"stage0.conv", "stage1.conv", "stage2.conv", "head.conv_loc", "head.conv_cls"}


def test_rises_to_the_highest_rate_and_falls_to_the_last():
    schedule = WarmUpThenCosine(0.1, total_steps=100, warmup_steps=10, final=0.001)
    rates = np.array([float(schedule(step)) for step in range(101)])
    assert rates[0] == pytest.approx(0.01)
    assert rates.argmax() == 9 or rates.argmax() == 10
    assert rates.max() == pytest.approx(0.1, rel=1e-3)
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[100] == pytest.approx(0.001, rel=1e-3)


def test_an_end_that_cannot_be_reached_is_refused():
    options = OptimizerOptions(learning_rate=0.1, end_learning_rate=0.2)
    with pytest.raises(ValueError, match=r"--end_learning_rate must be at most --learning_rate, 0\.1"):
        make_optimizer(options, total_steps=STEPS)


def moved(variables, gradients, *, multipliers=None, **options) -> list[np.ndarray]:
    """The variables after one step of an optimizer of these options."""
    usual = {"learning_rate": 0.1, "end_learning_rate": 0.001, "weight_decay": 0.0}
    options = OptimizerOptions(**{**usual, **options})
    optimizer = make_optimizer(options, total_steps=STEPS, multipliers=multipliers)
    optimizer.build(variables)
    optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables)
    return [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables]


def test_biases_and_scales_do_not_decay():
    """With zero gradients only the decay moves a weight."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape, "f"))
    gradients = [np.zeros(variable.shape, "f") for variable in model.trainable_variables]
    values = moved(model.trainable_variables, gradients, learning_rate=1.0, weight_decay=0.01)
    for variable, value in zip(model.trainable_variables, values, strict=True):
        assert (value < 1.0).all() if variable.name == "kernel" else (value == 1.0).all()


def test_adam_moves_by_the_learning_rate():
    """The ancestor's epsilon of 1.0 made small gradients move nothing."""
    (value,) = moved([keras.Variable(np.zeros(1, "f"))], [np.full(1, 1e-4, "f")])
    assert value[0] == pytest.approx(-0.1, rel=0.05)


def test_multipliers_scale_what_a_variable_moves():
    variables = [keras.Variable(np.zeros(2, "f"), name=one) for one in ("a", "b", "c")]
    first, half, none = moved(variables, [np.ones(2, "f")] * 3, multipliers=[1.0, 0.5, 0.0])
    assert first[0] < 0.0
    assert [half[0], none[0]] == [pytest.approx(0.5 * first[0]), 0.0]


def test_what_follows_from_the_length():
    assert constants_of(1000) == {"warmup_steps": 50, "ema_decay": pytest.approx(0.95)}
    assert constants_of(100_000) == {"warmup_steps": 500, "ema_decay": pytest.approx(0.9995)}
    assert constants_of(STEPS) == {"warmup_steps": 1, "ema_decay": 0.0}


def test_float16_scales_the_loss_and_leaves_out_steps_that_overflow():
    variable = keras.Variable(np.ones(2, "f"))
    options = OptimizerOptions(learning_rate=0.1, end_learning_rate=0.001, weight_decay=0.0)
    optimizer = make_optimizer(options, total_steps=STEPS, precision="float16")
    optimizer.build([variable])
    assert float(optimizer.scale_loss(1.0)) > 1000.0
    optimizer.apply([keras.ops.convert_to_tensor([np.inf, 1.0])], [variable])
    assert np.array(variable).tolist() == [1.0, 1.0]
    optimizer.apply([keras.ops.convert_to_tensor([1.0, 1.0])], [variable])
    assert (np.array(variable) < 1.0).all()
