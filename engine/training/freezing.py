"""Which layers learn, and when: frozen scopes, frozen batch normalisation, unfreezing on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from engine.training.options import TrainingOptions
from engine.training.start import from_imagenet
from nets import NETWORKS
from nets.slim_names import matches_scopes


@dataclass(frozen=True)
class Stage:
    """Steps of a training in which the same layers learn, with one optimiser.

    Attributes:
        first_step: step after which it starts.
        end: its last step.
        unfrozen: whether everything learns, whatever the scopes say.
    """

    first_step: int
    end: int
    unfrozen: bool


def stages_of(options: TrainingOptions, total_steps: int) -> tuple[Stage, ...]:
    """One stage, or two with --unfreeze_after.

    Raises:
        ValueError: there would be nothing to unfreeze, or no step before or after it.
    """
    share = options.unfreeze_after
    if share is None:
        return (Stage(0, total_steps, unfrozen=False),)
    if not (options.freeze_scopes or options.trainable_scopes):
        raise ValueError(
            f"--unfreeze_after={share} has nothing to unfreeze: name layers with --freeze_scopes, or those "
            "that learn from the start with --trainable_scopes."
        )
    step = round(share * total_steps)
    if not 0 < step < total_steps:
        raise ValueError(
            f"--unfreeze_after={share} of {total_steps} steps is step {step}: one stage would have no step."
        )
    return Stage(0, step, unfrozen=False), Stage(step, total_steps, unfrozen=True)


def set_trainable(model: keras.Model, options: TrainingOptions, *, unfrozen: bool) -> int:
    """Decide for every layer whether it learns; returns how many with weights do not.

    A frozen batch normalisation also keeps its statistics (Keras runs it as in inference).

    Raises:
        ValueError: nothing is left to learn, or a scope holds no layer.
    """
    weighted = [layer for layer in model.layers if layer.weights]
    trained, held = scopes(options.trainable_scopes), scopes(options.freeze_scopes)
    _check_scopes(model, "trainable_scopes", trained)
    _check_scopes(model, "freeze_scopes", held)
    fixed = freezes_batch_norm(model, options)
    for layer in weighted:
        path = layer.weights[0].path
        inside = not trained or matches_scopes(model, path, trained)
        free = unfrozen or (inside and not matches_scopes(model, path, held))
        layer.trainable = free
        norm = _norm(layer)
        if norm is not None:
            norm.trainable = free and not fixed
    if not model.trainable_variables:
        raise ValueError(
            f"--freeze_scopes={options.freeze_scopes} freezes all that learns of {model.name}. "
            f"{_layers_of(model)}"
        )
    return sum(not layer.trainable for layer in weighted)


def norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Every batch normalisation, those inside of a convolution too."""
    return [norm for norm in map(_norm, model.layers) if norm is not None]


def _norm(layer: keras.layers.Layer) -> keras.layers.BatchNormalization | None:
    """The batch normalisation that a layer is or has."""
    norm = getattr(layer, "norm", layer)
    return norm if isinstance(norm, keras.layers.BatchNormalization) else None


def freezes_batch_norm(model: keras.Model, options: TrainingOptions) -> bool:
    """Whether batch normalisation keeps what it starts with.

    By itself where a network asks for it and a detector's weights are there to start from. Weights of
    ImageNet leave the layers behind the trunk without statistics, which have to be learnt then.
    """
    if options.freeze_batch_norm != "auto":
        return options.freeze_batch_norm == "on"
    network = NETWORKS.get(model.name)
    trained = bool(options.checkpoint_path) and not from_imagenet(options.checkpoint_path)
    return network is not None and network.freeze_batch_norm and trained


def demand_statistics(model: keras.Model, options: TrainingOptions, restored: Sequence[str]) -> None:
    """Statistics that will be trained on must be real ones.

    The published weights of ssd_300_mobilenet_v2 come with theirs folded into scales and shifts: mean 0 and
    variance 1 stand in their place. The first batch in training would be normalised by what it really has,
    and nothing behind would know its input again.

    Raises:
        ValueError: a restored batch normalisation that learns has a mean of 0 in every channel.
    """
    if freezes_batch_norm(model, options):
        return
    for norm in norms(model):
        mean, learns = norm.moving_mean, norm.trainable or options.unfreeze_after is not None
        if learns and mean.path in restored and not np.any(ops.convert_to_numpy(mean)):
            raise ValueError(
                f"--freeze_batch_norm=off cannot start from {options.checkpoint_path}: the statistics of "
                f"{mean.path} are folded into its scales and shifts (mean 0 in every channel), and "
                "normalising by those of a batch would make another network of it. Leave it frozen "
                "(--freeze_batch_norm=on)."
            )


def multipliers_of(model: keras.Model, text: str) -> list[float] | None:
    """A factor of the learning rate for each trainable variable; None if nothing was said.

    Args:
        model: with what learns in this stage.
        text: `scope=factor` with commas between them.

    Raises:
        ValueError: it is not that, or a scope holds no layer.
    """
    pairs = []
    for entry in scopes(text):
        scope, _, factor = entry.partition("=")
        try:
            pairs.append((scope.strip(), float(factor)))
        except ValueError:
            raise ValueError(
                f"--learning_rate_multipliers: {entry!r} is not scope=factor, as in conv1=0.1."
            ) from None
    _check_scopes(model, "learning_rate_multipliers", [scope for scope, _ in pairs])
    if not pairs:
        return None
    return [
        next((factor for scope, factor in pairs if matches_scopes(model, variable.path, (scope,))), 1.0)
        for variable in model.trainable_variables
    ]


def _check_scopes(model: keras.Model, flag: str, wanted: Sequence[str]) -> None:
    for scope in wanted:
        if not any(matches_scopes(model, variable.path, (scope,)) for variable in model.weights):
            raise ValueError(f"--{flag}: {scope} holds no layer of {model.name}. {_layers_of(model)}")


def _layers_of(model: keras.Model) -> str:
    return f"Its layers are: {', '.join(layer.name for layer in model.layers if layer.weights)}."


def scopes(text: str) -> tuple[str, ...]:
    """Scopes with commas between them, as on the command line."""
    return tuple(scope.strip() for scope in text.split(",") if scope.strip())
