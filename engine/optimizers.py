"""Learning-rate schedules in total steps, and optimisers set up for detectors."""

import math
from dataclasses import replace

import keras
from keras import ops

from engine.training_options import OptimizerOptions

FINAL_SHARE = 0.01  # of the highest learning rate, at the last step
SGD_MOMENTUM = 0.9  # the paper, section 3


@keras.saving.register_keras_serializable("anime_ssd")
class WarmUpThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear from 0 to the highest rate over `warmup_steps`, then a decay over the remaining steps.

    Everything is counted in steps of this training: never in epochs of a data set whose size someone typed.
    """

    def __init__(self, highest: float, total_steps: int, warmup_steps: int, decay: str):
        self.highest, self.total_steps, self.warmup_steps, self.decay = (
            highest,
            total_steps,
            warmup_steps,
            decay,
        )

    def __call__(self, step):
        step = ops.cast(step, "float32")
        warm = (step + 1.0) / max(self.warmup_steps, 1)
        done = ops.clip((step - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1), 0.0, 1.0)
        if self.decay == "cosine":
            share = FINAL_SHARE + (1.0 - FINAL_SHARE) * 0.5 * (1.0 + ops.cos(math.pi * done))
        elif self.decay == "exponential":
            share = ops.exp(math.log(FINAL_SHARE) * done)
        else:
            share = ops.ones_like(done)
        return self.highest * ops.minimum(warm, share)

    def get_config(self):
        return {
            "highest": self.highest,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "decay": self.decay,
        }


def resolve(options: OptimizerOptions, *, total_steps: int, pretrained: bool) -> OptimizerOptions:
    """The options with every value that was not given filled in."""
    rate = options.learning_rate
    if rate is None:
        rate = (
            (1e-3 if pretrained else 1e-2) if options.optimizer == "sgd" else (1e-4 if pretrained else 2e-3)
        )
    warmup = options.warmup_steps
    ema = options.ema_decay
    return replace(
        options,
        learning_rate=rate,
        warmup_steps=min(500, max(1, total_steps // 20)) if warmup is None else warmup,
        ema_decay=1.0 - 1.0 / max(1.0, 0.02 * total_steps) if ema is None else ema,
    )


def make_optimizer(options: OptimizerOptions, *, total_steps: int) -> keras.optimizers.Optimizer:
    """A Keras optimiser for options without gaps (see `resolve`)."""
    if options.learning_rate is None or options.warmup_steps is None or options.ema_decay is None:
        raise ValueError("make_optimizer needs options whose gaps `resolve` has filled.")
    common = {
        "learning_rate": WarmUpThenDecay(
            options.learning_rate, total_steps, options.warmup_steps, options.learning_rate_decay_type
        ),
        "global_clipnorm": options.gradient_clip or None,
        "use_ema": options.ema_decay > 0.0,
        "ema_momentum": options.ema_decay,
    }
    if options.optimizer == "sgd":
        # Keras decays the weight itself; in the paper's SGD the penalty passes through the momentum, which
        # multiplies it by 1 / (1 - momentum) in the long run.
        decay = options.weight_decay / (1.0 - SGD_MOMENTUM)
        optimizer = keras.optimizers.SGD(momentum=SGD_MOMENTUM, weight_decay=decay or None, **common)
    else:
        kind = keras.optimizers.AdamW if options.optimizer == "adamw" else keras.optimizers.Adam
        optimizer = kind(weight_decay=options.weight_decay or None, **common)
    if options.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
