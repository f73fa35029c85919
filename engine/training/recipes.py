"""Presets for people: everything that a training can be told, in one word, for a machine and some pictures.

This file is the only place where a recipe's values stand. Each of them is a flag too, and a flag that is
given counts more; what is not named here is as `engine.training.options` says. Without Keras, for `--help`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.training.options import TrainingOptions

# The detector of drawn characters that comes with the project. It knows no name of others, but what drawn
# heads look like, which is worth far more than nothing: docs/recipe.md.
DRAWN_LITE = Path(__file__).resolve().parents[2] / "checkpoints" / "drawn_lite"


@dataclass(frozen=True)
class Recipe:
    """A preset.

    Attributes:
        purpose: for whom, in a few words.
        values: option -> value.
        weights: what to give as --checkpoint_path, in words.
        without_weights: what is different without a --checkpoint_path, start and network included, and for
            that network wherever it starts; None if only trained weights from elsewhere will do.
    """

    purpose: str
    values: Mapping[str, Any]
    weights: str
    without_weights: Mapping[str, Any] | None = field(default=None)


RECIPES: dict[str, Recipe] = {
    # A laptop without a GPU, 300 to 1 000 pictures, about an hour on two cores.
    "small_cpu": Recipe(
        purpose="a few hundred pictures, no GPU, about an hour",
        weights="ssdlite_mobilenet_v2_coco.npz, a TensorFlow checkpoint of it, or imagenet",
        values={
            "model_name": "ssd_300_mobilenet_v2",
            "optimizer": "adamw",
            "learning_rate": 3e-3,  # of what has to learn the names
            "learning_rate_multipliers": "FeatureExtractor=0.1",
            "learning_rate_decay_type": "cosine",
            "anchors": "fitted",
            "box_loss": "giou",
            "loss_alpha": 2.0,
            "augmentation": "anime",
            "paste_probability": 0.3,
            "passes": 180.0,
        },
        without_weights={
            "checkpoint_path": str(DRAWN_LITE),
            "model_name": "ssd_300_lite",
            "learning_rate_multipliers": "",
            "passes": 120.0,
        },
    ),
    # A GPU, 300 to 1 000 pictures.
    "small_gpu": Recipe(
        purpose="a few hundred pictures and a GPU",
        weights="imagenet (downloads VGG-16 once), an .npz of it, or a published SSD checkpoint",
        values={
            "model_name": "ssd_300_vgg",
            "optimizer": "adamw",
            "learning_rate": 1e-3,  # of what lies behind ImageNet's layers
            # ImageNet's layers; of these, edges and textures are there already.
            "learning_rate_multipliers": "conv1=0.02,conv2=0.02,conv3=0.06,conv4=0.2,conv5=0.2",
            "learning_rate_decay_type": "cosine",
            "anchors": "fitted",
            "box_loss": "giou",
            "loss_alpha": 2.0,
            "augmentation": "anime",
            "paste_probability": 0.3,
            "repeat_factor": 0.3,
            "passes": 150.0,
        },
    ),
    # A GPU, thousands of pictures, small faces, hours.
    "full": Recipe(
        purpose="thousands of pictures, a GPU, hours",
        weights="imagenet (downloads VGG-16 once), an .npz of it, or a published SSD checkpoint",
        values={
            "model_name": "ssd_512_vgg",
            "batch_size": 32,  # the paper, section 3
            "optimizer": "adamw",
            "learning_rate": 2e-4,
            "learning_rate_decay_type": "cosine",
            "learning_rate_multipliers": "conv1=0.1,conv2=0.1,conv3=0.3",
            "augmentation": "anime",
            "repeat_factor": 0.1,
            "passes": 120.0,
        },
    ),
}

# Values that hold only together with the recipe's own choice; with another one these are as usual.
BELONGS_TO: dict[str, tuple[str, ...]] = {
    "model_name": ("checkpoint_path", "learning_rate", "learning_rate_multipliers"),
    "optimizer": ("learning_rate",),
    "box_loss": ("loss_alpha",),
    "augmentation": ("paste_probability",),
}


def with_recipe(recipe: str, **given: Any) -> TrainingOptions:
    """The options of a training by a recipe; what is given counts more.

    Args:
        recipe: a key of `RECIPES`, or none.
        given: options by name.

    Raises:
        ValueError: there is no such recipe, or it needs weights to start from.
    """
    if recipe == "none":
        return TrainingOptions(**given)
    if recipe not in RECIPES:
        raise ValueError(f"--recipe={recipe}: there is none of this name; choose from {', '.join(RECIPES)}.")
    chosen = RECIPES[recipe]
    other = chosen.without_weights
    weights = given.get("checkpoint_path")
    if not weights and other is None:
        raise ValueError(
            f"--recipe={recipe} starts from trained weights: give --checkpoint_path, which is "
            f"{chosen.weights}."
        )
    values = dict(chosen.values)
    if other is not None and (not weights or given.get("model_name") == other["model_name"]):
        values |= other
    for choice, dependent in BELONGS_TO.items():
        if choice in values and given.get(choice, values[choice]) != values[choice]:
            values = {name: value for name, value in values.items() if name not in dependent}
    return TrainingOptions(**{**values, **given, "recipe": recipe})


def default_recipe(arguments: Sequence[str]) -> str:
    """The recipe of a command line that names none.

    One that names a network or weights knows what it wants, SSD-Tensorflow's do; any other gets what was
    measured to be best for a few pictures, and runs on every machine.
    """
    named = any(flag_value(arguments, flag) is not None for flag in ("model_name", "checkpoint_path"))
    return "none" if named else "small_cpu"


def flag_value(arguments: Sequence[str], flag: str) -> str | None:
    """The last value that a command line gives to a flag, before it is parsed: the recipe decides how."""
    value = None
    for place, token in enumerate(arguments):
        name, equals, text = token.partition("=")
        if name.replace("-", "_") == f"__{flag}":
            value = text if equals else next(iter(arguments[place + 1 : place + 2]), None)
    return value
