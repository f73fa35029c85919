"""Stop and go on: the state of a training in one file, and the refusal to mix two trainings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import keras
import numpy as np

from engine.training_options import TrainingOptions
from nets.checkpoint import CONFIG, is_checkpoint, model_weights, read_arrays, write_arrays

STATE = "state.npz"
# Options that change how a run is watched, not what it computes: they may differ when it goes on.
WATCHING = frozenset({"train_dir", "save_interval_secs", "jit_compile"})


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        step: updates made.
        seconds: spent training.
        best: highest validation mAP so far, or -1.
        best_step: step of it.
        stale: validations since then.
        finished: whether nothing is left to do.
    """

    step: int = 0
    seconds: float = 0.0
    best: float = -1.0
    best_step: int = 0
    stale: int = 0
    finished: bool = False


def save_state(
    folder: Path, model: keras.Model, optimizer: keras.optimizers.Optimizer, progress: Progress
) -> None:
    """Write all that `restore_state` needs, under a temporary name first."""
    arrays = {f"model/{path}": value for path, value in model_weights(model).items()}
    arrays |= {
        f"optimizer/{index}": np.asarray(keras.ops.convert_to_numpy(variable))
        for index, variable in enumerate(optimizer.variables)
    }
    text = json.dumps(progress.__dict__).encode()
    arrays["progress"] = np.frombuffer(text, np.uint8)
    write_arrays(folder / STATE, arrays)


def restore_state(folder: Path, model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Progress:
    """Bring model and (built) optimiser back to where `save_state` saw them.

    Raises:
        ValueError: the file is damaged or belongs to another network.
    """
    arrays = read_arrays(folder / STATE)
    wanted = {f"model/{v.path}": v for v in model.weights}
    wanted |= {f"optimizer/{index}": v for index, v in enumerate(optimizer.variables)}
    for name, variable in wanted.items():
        if name not in arrays or arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                f"{folder / STATE} does not fit this training ({name} is missing or has another shape). "
                "Delete the folder to train anew, or give another --train_dir."
            )
        variable.assign(arrays[name])
    return Progress(**json.loads(arrays["progress"].tobytes()))


def can_resume(folder: Path, config: Mapping) -> bool:
    """Whether `folder` holds an unfinished or finished run of exactly this training.

    Raises:
        ValueError: it holds another training or a checkpoint; the message names what differs.
    """
    path = folder / CONFIG
    if not path.is_file() or not (folder / STATE).is_file():
        if is_checkpoint(folder):
            raise ValueError(
                f"--train_dir={folder} already holds a checkpoint that cannot be resumed ({STATE} is "
                "missing). "
                f"Give another --train_dir; to start from its weights add --checkpoint_path={folder}."
            )
        return False
    there = json.loads(path.read_text(encoding="utf-8"))
    defaults = {
        one.name: one.default for one in fields(TrainingOptions)
    }  # for options that did not exist then
    differences = [
        f"  {section}{key}: {old.get(key)!r} there, {new.get(key)!r} asked for"
        for section, old, new in (
            ("--", {**defaults, **there.get("options", {})}, config["options"]),
            ("dataset ", there.get("dataset", {}), config["dataset"]),
        )
        for key in sorted(old.keys() | new.keys())
        if key not in WATCHING and old.get(key) != new.get(key)
    ]
    if differences:
        raise ValueError(
            f"--train_dir={folder} holds another training:\n" + "\n".join(differences) + "\n"
            "Give the same options to go on with it, or another --train_dir; to start from its weights add "
            f"--checkpoint_path={folder}."
        )
    return True
