"""Checkpoint folders: everything that a trained detector needs, and nothing that runs code when read.

labels.txt        names, line number = class id
config.json       every option of the training, "model_name", versions; "scores": "sigmoid" where they are;
                  "anchor_shapes" where they are not the network's own
weights.npz       variable path -> array (NumPy's zip of arrays; never pickled)
metrics.json      how good it was when it was written
thresholds.json   from which score on each name is reported; absent before the end of a training
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np

from boxes.anchors import with_shapes
from datasets.labels import read_labels
from files.reading import read_arrays, read_json
from nets import get_network
from nets.network import Network, Scores
from nets.thresholds import Thresholds, read_thresholds

LABELS, CONFIG, WEIGHTS, METRICS = "labels.txt", "config.json", "weights.npz", "metrics.json"
THRESHOLDS = "thresholds.json"
FILES = LABELS, CONFIG, WEIGHTS, THRESHOLDS  # that decide what a detector says
ANCHOR_SHAPES = "anchor_shapes"  # in config.json
# Of config.json, whoever wrote in it: what else is read there, and what it has to be.
_KINDS = dict.fromkeys(("dataset_dir", "dataset_split_name", "validation_split_name"), str)
_KINDS |= {"batch_size": int | None, "max_number_of_steps": int | None, "dataset_name": str | None}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint folder, read."""

    folder: Path  # where it came from
    labels: tuple[str, ...]  # names, without background; name i has class id i + 1
    config: dict  # the training's options
    weights: dict[str, np.ndarray]  # variable path -> array
    thresholds: Thresholds = field(default_factory=Thresholds)  # from which score on each name is reported

    @property
    def network(self) -> Network:
        return network_of(self.config)


def is_checkpoint(folder: Path) -> bool:
    """Whether the folder holds what `read_checkpoint` needs."""
    return all((Path(folder) / name).is_file() for name in (LABELS, CONFIG, WEIGHTS))


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint folder; ValueError, which says what is missing, where it is none, or damaged."""
    if not folder.exists():
        raise ValueError(f"Checkpoint folder {folder} does not exist. Give the --train_dir of a training.")
    if missing := [name for name in (LABELS, CONFIG, WEIGHTS) if not (folder / name).is_file()]:
        cure = "Give the --train_dir of a training that has saved at least once."
        raise ValueError(f"{folder} is not a checkpoint folder: {', '.join(missing)} missing. {cure}")
    config = read_config(folder)
    labels, weights, there = read_labels(folder / LABELS), read_arrays(folder / WEIGHTS), folder / THRESHOLDS
    thresholds = read_thresholds(there) if there.is_file() else Thresholds()
    return Checkpoint(folder, tuple(labels), config, weights, thresholds)


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says; ValueError: it is damaged, or names no network of this project."""
    cure = "Put a copy back that is whole (a training's last/ has the same), or train again elsewhere."
    config = read_json(folder / CONFIG, cure)
    try:
        network_of(config)
        said = {**config.get("options", {}), **config.get("chosen", {})}
        for name, kind in _KINDS.items():
            if name in said and not isinstance(said[name], kind):
                raise TypeError(f"{name} is {said[name]!r}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        wrong = f"does not describe a network of this project ({error})"
        raise ValueError(f"{folder / CONFIG} {wrong}. {cure}") from error
    return config


def network_of(config: Mapping) -> Network:
    """The network that config.json names, with the anchors and scores that its weights were trained for."""
    network, scores = get_network(config["model_name"]), config.get("scores", "softmax")
    if scores not in get_args(Scores):
        raise ValueError(f"scores are {scores!r}, and can be {' or '.join(get_args(Scores))}")
    layers = network.anchor_layers
    if ANCHOR_SHAPES in config:
        layers = with_shapes(layers, config[ANCHOR_SHAPES])
    if (scores, layers) == (network.scores, network.anchor_layers):
        return network
    return replace(network, scores=scores, anchor_layers=layers)


def build_model(checkpoint: Checkpoint) -> keras.Model:
    """The network of a checkpoint with its weights in place; ValueError: they do not fit, as it says."""
    model = checkpoint.network.build(len(checkpoint.labels) + 1)
    for variable in model.weights:
        array = checkpoint.weights.get(variable.path)
        if array is None or tuple(array.shape) != tuple(variable.shape):
            found = "nothing" if array is None else f"an array of shape {tuple(array.shape)}"
            wanted = f"{variable.path} of shape {tuple(variable.shape)} for {checkpoint.network.name}"
            wanted += f" with {len(checkpoint.labels)} names in {LABELS}"
            said = f"expected {wanted}, found {found}. Were {LABELS} or {CONFIG} changed by hand?"
            raise ValueError(f"{checkpoint.folder / WEIGHTS}: {said}")
        variable.assign(array)
    return model
