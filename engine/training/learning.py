"""How a network learns: its loss, the layers that move, and how fast."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from boxes.matching import assign_targets
from engine.training.options import LossOptions, OptimizerOptions
from nets.losses import multibox_loss
from nets.network import CLASS_HEADS, Network
from nets.slim_names import matches_scopes
from nets.thresholds import number_in

GRADIENT_CLIP = 10.0  # largest norm of all gradients together
WARMUP_SHARE, MOST_WARMUP = 20, 500  # a twentieth of the training rises linearly from 0, 500 steps at most
AVERAGED_SHARE = 0.02  # of the training: what the moving average of the weights spans
NEW_NAMES = "new_names"  # as trainable_scopes: the outputs of names that the start does not know


class TrainingModel(keras.Model):
    """A network with its loss: what Keras fits."""

    def __init__(self, network: Network, model: keras.Model, options: LossOptions | None = None):
        super().__init__(name="training")
        self.network, self.model = network, model
        self._options = options or LossOptions()
        self._parts = {name: keras.metrics.Mean(name) for name in ("loss", "boxes", "names", "background")}

    @property
    def metrics(self):
        return list(self._parts.values())

    def reset_metrics(self):
        """Nothing: Keras does it whenever it starts to fit, but what a stopped training showed goes on."""

    def forget_means(self):
        """Start the means of the losses anew."""
        super().reset_metrics()

    def call(self, images, training=None):
        return self.model(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        assert y is not None
        assert y_pred is not None
        options, anchors = self._options, self.network.anchors
        targets = assign_targets(anchors, y["boxes"], y["classes"], threshold=options.match_threshold)
        loss, parts = multibox_loss(
            y_pred["codes"],
            y_pred["logits"],
            targets,
            anchors=anchors,
            box_weight=options.loss_alpha,
            box_loss=options.box_loss,
            negative_ratio=options.negative_ratio,
        )
        for name, value in {"loss": loss, **parts}.items():
            self._parts[name].update_state(value)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()


# ------------------------------------------------------------------------------- which layers learn
def scopes(text: str) -> tuple[str, ...]:
    """Scopes with commas between them, as on the command line."""
    return tuple(scope.strip() for scope in text.split(",") if scope.strip())


def set_trainable(model: keras.Model, trainable_scopes: str = "", *, norms: bool = True) -> None:
    """Decide for every layer whether it learns.

    Args:
        model: changed in place.
        trainable_scopes: as the option; empty for all.
        norms: whether batch normalisation learns in layers that do; frozen, it keeps its statistics too
            (Keras runs it as in inference).

    Raises:
        ValueError: a scope holds no layer.
    """
    trained = scopes(trainable_scopes)
    if trainable_scopes == NEW_NAMES:
        trained = CLASS_HEADS
    else:
        _check_scopes(model, "trainable_scopes", trained)
    for layer in (layer for layer in model.layers if layer.weights):
        layer.trainable = not trained or matches_scopes(model, layer.weights[0].path, trained)
        norm = getattr(layer, "norm", layer)  # a convolution may have one inside
        if isinstance(norm, keras.layers.BatchNormalization):
            norm.trainable = layer.trainable and norms


def multipliers_of(model: keras.Model, text: str) -> list[float] | None:
    """A factor of the learning rate for each trainable variable; None if nothing was said.

    Raises:
        ValueError: it is not that, or a scope holds no layer.
    """
    pairs = []
    for entry in scopes(text):
        scope, _, factor = entry.partition("=")
        try:
            pairs.append((scope.strip(), number_in(float(factor))))
        except ValueError:
            rule = "scope=factor, as in conv1=0.1"
            raise ValueError(f"--learning_rate_multipliers: {entry!r} is not {rule}.") from None
    _check_scopes(model, "learning_rate_multipliers", [scope for scope, _ in pairs])
    if not pairs:
        return None
    return [
        next((factor for scope, factor in pairs if matches_scopes(model, variable.path, (scope,))), 1.0)
        for variable in model.trainable_variables
    ]


def new_outputs_of(model: keras.Model, labels: Sequence[str], known: Sequence[str]) -> list[np.ndarray]:
    """For each variable of the class heads, which of its outputs are of names not `known`: 1, others 0.

    As multipliers they leave every bit of what is known as it was; Li & Hoiem 2017 ("Learning without
    Forgetting", section 2) call it feature extraction.
    """
    new = np.isin([*labels], [*known], invert=True)
    of_anchor = np.concatenate([[False], new]).astype(np.float32)  # background is known
    return [np.tile(of_anchor, one.shape[-1] // len(of_anchor)) for one in model.trainable_variables]


def _check_scopes(model: keras.Model, flag: str, wanted: Sequence[str]) -> None:
    for scope in wanted:
        if not any(matches_scopes(model, variable.path, (scope,)) for variable in model.weights):
            layers = ", ".join(layer.name for layer in model.layers if layer.weights)
            raise ValueError(f"--{flag}: {scope} holds no layer of {model.name}. Its layers are: {layers}.")


# -------------------------------------------------------------------------------------- how fast
@dataclass(frozen=True, eq=False)
class WarmUpThenCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear from 0 to the highest rate over `warmup_steps`, then a cosine down over the remaining steps.

    Everything is counted in steps of this training: never in epochs of a data set whose size someone typed.
    """

    highest: float  # the highest rate
    total_steps: int  # of the training
    warmup_steps: int  # of the rise
    final: float  # rate at the last step

    def __call__(self, step):
        step = ops.cast(step, "float32")
        warm = (step + 1.0) / max(self.warmup_steps, 1)
        done = ops.clip((step - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1), 0.0, 1.0)
        final = self.final / self.highest if self.highest else 1.0
        share = final + (1.0 - final) * 0.5 * (1.0 + ops.cos(math.pi * done))
        return self.highest * ops.minimum(warm, share)


def constants_of(total_steps: int, *, averaged: bool = True) -> dict[str, Any]:
    """What follows from the length: steps of warm-up, and how much the average, if any, keeps a step."""
    return {
        "warmup_steps": min(MOST_WARMUP, max(1, total_steps // WARMUP_SHARE)),
        "ema_decay": 1.0 - 1.0 / max(1.0, AVERAGED_SHARE * total_steps) if averaged else 0.0,
    }


def make_optimizer(
    options: OptimizerOptions,
    *,
    total_steps: int,
    precision: str = "float32",
    multipliers: Sequence[float] | Sequence[np.ndarray] | None = None,
) -> keras.optimizers.Optimizer:
    """A Keras optimiser for options without gaps (see `engine.training.options.without_gaps`).

    Args:
        precision: of the network. For float16 the loss is scaled so that small gradients do not become 0; a
            step whose gradients leave its range is left out, and the next is scaled less.
        multipliers: of the learning rate, one for each of the variables that it will be built for; the decay
            of weights keeps the whole rate. Those of `new_outputs_of` are not averaged: that would round.
    """
    rate, final = options.learning_rate, options.end_learning_rate
    assert rate is not None
    assert final is not None
    if final > rate:
        raise ValueError(f"--end_learning_rate must be at most --learning_rate, {rate:g}; it is {final:g}.")
    constants = constants_of(total_steps, averaged=not any(map(np.ndim, multipliers or ())))
    average = constants["ema_decay"]
    # Keras's AdamW refuses to be without decay, which makes it Adam.
    kind = keras.optimizers.AdamW if options.weight_decay else keras.optimizers.Adam
    optimizer = _with_multipliers(kind, multipliers)(
        learning_rate=WarmUpThenCosine(rate, total_steps, constants["warmup_steps"], final),
        weight_decay=options.weight_decay or None,
        global_clipnorm=GRADIENT_CLIP,
        use_ema=average > 0.0,
        ema_momentum=average,
    )
    if options.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "float16" else optimizer


def _with_multipliers(kind, multipliers: Sequence[float] | Sequence[np.ndarray] | None):
    """The optimiser class, or one that moves its variables by multiples of the learning rate."""
    if multipliers is None:
        return kind

    class Multiplied(kind):
        def update_step(self, gradient, variable, learning_rate):
            factor = multipliers[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * factor)

    return Multiplied
