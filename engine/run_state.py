"""Stop and go on: the state of a training in one file, and the refusal to mix two trainings.

A training that was killed goes on as if nothing had happened: on a CPU its final weights are equal, bit for
bit, to those of one that was not. For that everything that the next step depends on is in the state: the
weights and the network's random numbers, the optimiser with its moving average, the means of the losses
shown, and how far the training is. The order of the pictures and their augmentation follow from the step.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import keras
import numpy as np

from engine.training_model import TrainingModel
from engine.training_options import TrainingOptions
from nets.checkpoint import CONFIG, is_checkpoint, read_arrays, write_arrays

STATE, PREVIOUS = "state.npz", "state.previous.npz"
_PROGRESS = "progress"  # the entry that holds the `Progress`; it stands last
# Options that change how a run is watched, not what it computes: they may differ when it goes on.
WATCHING = frozenset({"train_dir", "save_interval_secs", "jit_compile", "report"})


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


@dataclass(frozen=True, eq=False)
class State:
    """A training between two steps.

    Attributes:
        progress: how far it is.
        arrays: the values of `_variables`.
    """

    progress: Progress
    arrays: dict[str, np.ndarray]


def state_of(trainer: TrainingModel, progress: Progress) -> State:
    """Everything that the next step depends on, copied."""
    arrays = {
        name: np.array(keras.ops.convert_to_numpy(variable)) for name, variable in _variables(trainer).items()
    }
    return State(Progress(**asdict(progress)), arrays)


def put_back(state: State, trainer: TrainingModel, *, optimizer: bool = True) -> None:
    """Bring a compiled trainer, its optimiser built, to where `state_of` saw one.

    Args:
        state: of the same network, trained in the same way.
        trainer: changed in place.
        optimizer: whether the optimiser goes on too; otherwise it stays as it is.

    Raises:
        ValueError: a value is missing or has another shape.
    """
    for name, variable in _variables(trainer).items():
        if name.startswith("optimizer/") and not optimizer:
            continue
        array = state.arrays.get(name)
        if array is None or array.shape != tuple(variable.shape):
            raise ValueError(
                f"The state of this training does not fit it ({name} is missing or has another shape). "
                "Was it written by another version of this project? Give another --train_dir."
            )
        variable.assign(array)


def save_state(folder: Path, trainer: TrainingModel, progress: Progress) -> None:
    """Write the state; the one before it stays beside it."""
    state = state_of(trainer, progress)
    facts = {"entries": len(state.arrays), **asdict(progress)}
    arrays = {**state.arrays, _PROGRESS: np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    write_arrays(folder / STATE, arrays, previous=folder / PREVIOUS)


@contextmanager
def demanding_room(folder: Path, what: str, saved_step: int | None = None) -> Iterator[None]:
    """Says what a disk that takes no more means for the training.

    Args:
        folder: of the training.
        what: is being written.
        saved_step: of the newest state; None before there is one.

    Raises:
        ValueError: something could not be written.
    """
    try:
        yield
    except OSError as error:
        cure = "make room, and the same command begins anew"
        if saved_step is not None:
            cure = "what was written before is whole: make room, and the same command goes on after step "
            cure += str(saved_step)
        raise ValueError(f"{folder} does not take {what}: {error.strerror or error}; {cure}.") from error


def read_state(folder: Path, say: Callable[[str], None]) -> State:
    """The newest state that can be read.

    Args:
        folder: of the training.
        say: is told if that is not the newest there is.

    Raises:
        ValueError: none of them can be read.
    """
    problems = []
    for name in (STATE, PREVIOUS):
        try:
            state = _read(folder / name)
        except ValueError as error:
            problems.append(str(error))
            continue
        if problems:
            say(
                f"[yellow]Warning:[/yellow] {problems[0]} Going on from the state before it, {name}, after "
                f"step {state.progress.step}."
            )
        return state
    raise ValueError(
        f"--train_dir={folder} cannot be resumed: neither of its states can be read.\n  "
        + "\n  ".join(problems)
        + f"\nGive another --train_dir; to start from its weights add --checkpoint_path={folder}."
    )


def _variables(trainer: TrainingModel) -> dict[str, keras.Variable]:
    """Name in the state -> variable."""
    weights = {f"model/{variable.path}": variable for variable in trainer.model.weights}
    # What else a model remembers are the counters of its random numbers, whose paths may be equal.
    known = {id(variable) for variable in weights.values()}
    counters = [variable for variable in trainer.model.variables if id(variable) not in known]
    means = [variable for metric in trainer.metrics for variable in metric.variables]
    numbered = {"counter": counters, "optimizer": trainer.optimizer.variables, "mean": means}
    return weights | {
        f"{kind}/{index}": variable
        for kind, variables in numbered.items()
        for index, variable in enumerate(variables)
    }


def _read(path: Path) -> State:
    try:
        arrays = read_arrays(path)
    except FileNotFoundError:
        raise ValueError(f"{path} is not there: writing it was cut off.") from None
    try:
        facts = json.loads(arrays.pop(_PROGRESS).tobytes())
        if facts.pop("entries") != len(arrays):
            raise ValueError("entries are missing")
        return State(Progress(**facts), arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error}).") from error


def _read_quietly(folder: Path) -> int | None:
    """The step of the newest state that can be read."""
    try:
        return read_state(folder, lambda line: None).progress.step
    except ValueError:
        return None


def can_resume(folder: Path, config: Mapping) -> bool:
    """Whether `folder` holds an unfinished or finished run of exactly this training.

    Raises:
        ValueError: it holds another training or a checkpoint; the message names what differs.
    """
    path = folder / CONFIG
    if not path.is_file() or not any((folder / name).is_file() for name in (STATE, PREVIOUS)):
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
    if differences and not is_checkpoint(folder) and _read_quietly(folder) == 0:
        return False  # begun and left before anything was learnt: with other options it begins anew
    if differences:
        raise ValueError(
            f"--train_dir={folder} holds another training:\n" + "\n".join(differences) + "\n"
            "Give the same options to go on with it, or another --train_dir; to start from its weights add "
            f"--checkpoint_path={folder}."
        )
    return True
