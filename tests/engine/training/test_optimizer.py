import keras
import numpy as np
import pytest

from engine.training.optimizer import FINAL_SHARE, OptimizerOptions, WarmUpThenDecay, make_optimizer, resolve


@pytest.mark.parametrize("decay", ["cosine", "exponential", "polynomial"])
def test_rises_to_the_highest_rate_and_falls_to_one_percent(decay):
    schedule = WarmUpThenDecay(0.1, total_steps=100, warmup_steps=10, decay=decay)
    rates = np.array([float(schedule(step)) for step in range(101)])
    assert rates[0] == pytest.approx(0.01)
    assert rates.argmax() == 9 or rates.argmax() == 10
    assert rates.max() == pytest.approx(0.1, rel=1e-3)
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[100] == pytest.approx(0.1 * FINAL_SHARE, rel=1e-3)


def test_constant_stays():
    schedule = WarmUpThenDecay(0.1, total_steps=100, warmup_steps=10, decay="constant")
    assert float(schedule(99)) == pytest.approx(0.1)


def test_polynomial_is_a_straight_line_to_the_end():
    schedule = WarmUpThenDecay(0.1, total_steps=100, warmup_steps=0, decay="polynomial", final=0.02)
    assert float(schedule(50)) == pytest.approx(0.06)
    assert float(schedule(100)) == pytest.approx(0.02)


def test_stairs_are_those_of_the_ancestor():
    """tf.train.exponential_decay(0.1, step, int(3.75 * 2), 0.5, staircase=True) of TensorFlow 1."""
    options = OptimizerOptions(
        learning_rate=0.1,
        learning_rate_decay_type="exponential",
        learning_rate_decay_factor=0.5,
        warmup_steps=0,
        ema_decay=0.0,
    )
    options = resolve(options, total_steps=100, pretrained=False)
    rate = make_optimizer(options, total_steps=100, steps_per_pass=3.75).get_config()["learning_rate"]
    schedule = WarmUpThenDecay(**rate["config"])
    assert [float(schedule(step)) for step in (0, 6, 7, 13, 14)] == pytest.approx(
        [0.1, 0.1, 0.05, 0.05, 0.025]
    )


@pytest.mark.parametrize(("end", "decay"), [(0.2, "cosine"), (0.0, "exponential")])
def test_an_end_that_cannot_be_reached_is_refused(end, decay):
    options = OptimizerOptions(learning_rate=0.1, end_learning_rate=end, learning_rate_decay_type=decay)
    with pytest.raises(ValueError, match=r"--end_learning_rate must be at most --learning_rate, 0\.1"):
        make_optimizer(resolve(options, total_steps=10, pretrained=False), total_steps=10)


def test_an_optimiser_that_starts_later_warms_up_and_then_follows_the_same_curve():
    first = WarmUpThenDecay(0.1, total_steps=100, warmup_steps=10, decay="cosine")
    later = WarmUpThenDecay(0.1, total_steps=100, warmup_steps=10, decay="cosine", first_step=40)
    assert float(later(0)) == pytest.approx(0.01)
    assert [float(later(step)) for step in (10, 60)] == [float(first(step)) for step in (50, 100)]


def test_gaps_are_filled_by_optimizer_start_and_length():
    adam = resolve(OptimizerOptions(), total_steps=1000, pretrained=False)
    assert (adam.learning_rate, adam.warmup_steps, adam.ema_decay) == (2e-3, 50, 0.95)
    sgd = resolve(OptimizerOptions(optimizer="sgd"), total_steps=100_000, pretrained=True)
    assert (sgd.learning_rate, sgd.warmup_steps, sgd.ema_decay) == (1e-3, 500, 0.9995)
    given = resolve(
        OptimizerOptions(learning_rate=0.5, warmup_steps=0, ema_decay=0.0), total_steps=9, pretrained=True
    )
    assert (given.learning_rate, given.warmup_steps, given.ema_decay) == (0.5, 0, 0.0)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "rmsprop"])
def test_biases_and_scales_do_not_decay(name):
    """With zero gradients only the decay moves a weight."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape, "f"))
    options = OptimizerOptions(
        optimizer=name, learning_rate=1.0, warmup_steps=0, weight_decay=0.01, ema_decay=0.0
    )
    optimizer = make_optimizer(resolve(options, total_steps=10, pretrained=False), total_steps=10)
    optimizer.build(model.trainable_variables)
    gradients = [keras.ops.zeros(variable.shape) for variable in model.trainable_variables]
    optimizer.apply(gradients, model.trainable_variables)
    for variable in model.trainable_variables:
        value = np.asarray(keras.ops.convert_to_numpy(variable))
        assert (value < 1.0).all() if variable.name == "kernel" else (value == 1.0).all()


def test_adam_moves_by_the_learning_rate():
    """The ancestor's epsilon of 1.0 made small gradients move nothing."""
    variable = keras.Variable(np.zeros(1, "f"))
    options = OptimizerOptions(
        optimizer="adam", learning_rate=0.1, warmup_steps=0, weight_decay=0.0, ema_decay=0.0
    )
    optimizer = make_optimizer(resolve(options, total_steps=10, pretrained=False), total_steps=10)
    optimizer.build([variable])
    optimizer.apply([keras.ops.ones(1) * 1e-4], [variable])
    assert float(np.asarray(keras.ops.convert_to_numpy(variable))[0]) == pytest.approx(-0.1, rel=0.05)


@pytest.mark.parametrize("name", ["adamw", "sgd", "rmsprop"])
def test_multipliers_scale_what_a_variable_moves(name):
    variables = [keras.Variable(np.zeros(2, "f"), name=one) for one in ("a", "b", "c")]
    options = OptimizerOptions(
        optimizer=name, learning_rate=0.1, warmup_steps=0, weight_decay=0.0, ema_decay=0.0, gradient_clip=0.0
    )
    options = resolve(options, total_steps=10, pretrained=False)
    optimizer = make_optimizer(options, total_steps=10, multipliers=[1.0, 0.5, 0.0])
    optimizer.build(variables)
    optimizer.apply([keras.ops.ones(2)] * 3, variables)
    moved = [float(np.asarray(keras.ops.convert_to_numpy(variable))[0]) for variable in variables]
    assert moved[0] < 0.0
    assert moved[1:] == [pytest.approx(0.5 * moved[0]), 0.0]
