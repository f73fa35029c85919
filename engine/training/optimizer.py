"""Learning-rate schedules in total steps, and optimisers set up for detectors."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import keras
from keras import ops

from engine.training.options import OptimizerOptions

FINAL_SHARE = 0.01  # of the highest learning rate, at the last step
SGD_MOMENTUM = 0.9  # the paper, section 3
RMSPROP_MOMENTUM = 0.9  # rmsprop_momentum of SSD-Tensorflow
# Highest learning rate where none is given: from random weights, and from others. Momentum 0.9 makes steps
# ten times as long in the long run, for which rmsprop's is smaller.
RATES = {"adamw": (2e-3, 1e-4), "adam": (2e-3, 1e-4), "rmsprop": (2e-4, 1e-5), "sgd": (1e-2, 1e-3)}

Options = TypeVar("Options", bound=OptimizerOptions)


@keras.saving.register_keras_serializable("anime_ssd")
class WarmUpThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear from 0 to the highest rate over `warmup_steps`, then a decay over the remaining steps.

    Everything is counted in steps of this training: never in epochs of a data set whose size someone typed.
    `stairs` is SSD-Tensorflow's exponential decay: the rate times `factor` after every `every` steps.
    """

    def __init__(
        self,
        highest: float,
        total_steps: int,
        warmup_steps: int,
        decay: str,
        *,
        final: float | None = None,
        factor: float = 1.0,
        every: int = 1,
        first_step: int = 0,
    ):
        """Set it up.

        Args:
            highest: the highest rate.
            total_steps: of the training.
            warmup_steps: of the rise.
            decay: cosine, exponential, polynomial, constant or stairs.
            final: rate at the last step; not given: 1 % of the highest.
            factor: of `stairs`.
            every: steps between `stairs`.
            first_step: of the training, at which the optimiser that this is for starts to count.
        """
        self.highest, self.total_steps, self.warmup_steps, self.decay = (
            highest,
            total_steps,
            warmup_steps,
            decay,
        )
        self.final = FINAL_SHARE * highest if final is None else final
        self.factor, self.every, self.first_step = factor, every, first_step

    def __call__(self, step):
        step = ops.cast(step, "float32")
        warm = (step + 1.0) / max(self.warmup_steps, 1)
        step = step + float(self.first_step)
        done = ops.clip((step - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1), 0.0, 1.0)
        final = self.final / self.highest if self.highest else 1.0
        if self.decay == "cosine":
            share = final + (1.0 - final) * 0.5 * (1.0 + ops.cos(math.pi * done))
        elif self.decay == "exponential":
            share = ops.exp(math.log(final) * done)
        elif self.decay == "polynomial":
            share = 1.0 + (final - 1.0) * done
        elif self.decay == "stairs":
            share = ops.power(self.factor, ops.floor(step / self.every))
        else:
            share = ops.ones_like(done)
        return self.highest * ops.minimum(warm, share)

    def get_config(self):
        return {
            "highest": self.highest,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "decay": self.decay,
            "final": self.final,
            "factor": self.factor,
            "every": self.every,
            "first_step": self.first_step,
        }


def resolve(options: Options, *, total_steps: int, pretrained: bool) -> Options:
    """The options with every value that was not given filled in."""
    rate = options.learning_rate
    if rate is None:
        rate = RATES[options.optimizer][pretrained]
    warmup = options.warmup_steps
    ema, final = options.ema_decay, options.end_learning_rate
    return replace(
        options,
        learning_rate=rate,
        warmup_steps=min(500, max(1, total_steps // 20)) if warmup is None else warmup,
        ema_decay=1.0 - 1.0 / max(1.0, 0.02 * total_steps) if ema is None else ema,
        end_learning_rate=FINAL_SHARE * rate if final is None else final,
    )


def make_optimizer(
    options: OptimizerOptions,
    *,
    total_steps: int,
    steps_per_pass: float = 1.0,
    first_step: int = 0,
    multipliers: Sequence[float] | None = None,
) -> keras.optimizers.Optimizer:
    """A Keras optimiser for options without gaps (see `resolve`).

    Args:
        options: how the weights move.
        total_steps: length of the training.
        steps_per_pass: over the training pictures; for `learning_rate_decay_factor` only.
        first_step: of the training, at which this optimiser starts: it warms up from there.
        multipliers: of the learning rate, one for each of the variables that it will be built for; the decay
            of weights keeps the whole rate.
    """
    rate, warmup = options.learning_rate, options.warmup_steps
    final = options.end_learning_rate
    if rate is None or warmup is None or final is None or options.ema_decay is None:
        raise ValueError("make_optimizer needs options whose gaps `resolve` has filled.")
    decay, factor = options.learning_rate_decay_type, options.learning_rate_decay_factor
    if final > rate or (final == 0.0 < rate and decay == "exponential"):
        raise ValueError(
            f"--end_learning_rate must be at most --learning_rate, {rate:g}, and more than 0 for exponential "
            f"decay; it is {final:g}."
        )
    schedule = WarmUpThenDecay(
        rate,
        total_steps,
        warmup,
        decay if factor is None else "stairs",
        final=final,
        factor=1.0 if factor is None else factor,
        every=max(1, int(steps_per_pass * options.num_epochs_per_decay)),
        first_step=first_step,
    )
    common = {
        "learning_rate": schedule,
        "global_clipnorm": options.gradient_clip or None,
        "use_ema": options.ema_decay > 0.0,
        "ema_momentum": options.ema_decay,
    }
    if options.optimizer == "sgd":
        # Keras decays the weight itself; in the paper's SGD the penalty passes through the momentum, which
        # multiplies it by 1 / (1 - momentum) in the long run.
        decay = options.weight_decay / (1.0 - SGD_MOMENTUM)
        kind, own = keras.optimizers.SGD, {"momentum": SGD_MOMENTUM, "weight_decay": decay or None}
    else:
        kind = {
            "rmsprop": keras.optimizers.RMSprop,
            # Keras's AdamW refuses to be without decay, which makes it Adam.
            "adamw": keras.optimizers.AdamW if options.weight_decay else keras.optimizers.Adam,
            "adam": keras.optimizers.Adam,
        }[options.optimizer]
        own = {"weight_decay": options.weight_decay or None}
        if options.optimizer == "rmsprop":
            own |= {"rho": 0.9, "momentum": RMSPROP_MOMENTUM}
    optimizer = _with_multipliers(kind, multipliers)(**own, **common)
    if options.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _with_multipliers(kind, multipliers: Sequence[float] | None):
    """The optimiser class, or one that moves its variables by multiples of the learning rate."""
    if multipliers is None:
        return kind

    class Multiplied(kind):
        def update_step(self, gradient, variable, learning_rate):
            factor = multipliers[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * factor)

    return Multiplied
