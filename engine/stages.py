"""Which layers learn, and when: frozen scopes, frozen batch normalisation, unfreezing on the way."""

from dataclasses import dataclass

import keras

from engine.training_options import TrainingOptions
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
    """One stage, or two with --unfreeze_at_step.

    Raises:
        ValueError: there would be nothing to unfreeze, or no time for it.
    """
    step = options.unfreeze_at_step
    if step is None:
        return (Stage(0, total_steps, unfrozen=False),)
    if not (options.freeze_scopes or options.trainable_scopes):
        raise ValueError(
            f"--unfreeze_at_step={step} has nothing to unfreeze: name layers with --freeze_scopes, or those "
            "that learn from the start with --trainable_scopes."
        )
    if step >= total_steps:
        raise ValueError(
            f"--unfreeze_at_step={step} must lie before the end of the training, step {total_steps}."
        )
    return Stage(0, step, unfrozen=False), Stage(step, total_steps, unfrozen=True)


def set_trainable(model: keras.Model, options: TrainingOptions, *, unfrozen: bool) -> int:
    """Decide for every layer whether it learns; returns how many with weights do not.

    A frozen batch normalisation also keeps its statistics (Keras runs it as in inference).

    Raises:
        ValueError: nothing is left to learn.
    """
    weighted = [layer for layer in model.layers if layer.weights]
    trained, held = scopes(options.trainable_scopes), scopes(options.freeze_scopes)
    for layer in weighted:
        path = layer.weights[0].path
        inside = not trained or matches_scopes(model, path, trained)
        free = unfrozen or (inside and not matches_scopes(model, path, held))
        fixed = options.freeze_batch_norm and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = free and not fixed
    if not model.trainable_variables:
        flag = f"--trainable_scopes={options.trainable_scopes}"
        if not trained:
            flag = f"--freeze_scopes={options.freeze_scopes}"
        raise ValueError(
            f"{flag} {'holds no layer of' if trained else 'freezes every layer of'} {model.name}. "
            f"Its layers are: {', '.join(layer.name for layer in weighted)}."
        )
    return sum(not layer.trainable for layer in weighted)


def scopes(text: str) -> tuple[str, ...]:
    """Scopes with commas between them, as on the command line."""
    return tuple(scope.strip() for scope in text.split(",") if scope.strip())
