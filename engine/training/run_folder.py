"""The folder of a training: one training in it at a time, and the state to go on from.

A training that was killed goes on as if nothing had happened: on a CPU its final weights are equal, bit for
bit, to those of one that was not. For that everything that the next step depends on is in the state: the
weights and the network's random numbers, the optimiser with its moving average, the means of the losses
shown, and how far the training is. The order of the pictures and their augmentation follow from the step.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from datasets.look_alikes import Traces
from engine.measures.trained_on import write_trained_on
from engine.training.devices import process
from engine.training.learning import TrainingModel
from files.locking import locked
from files.reading import read_arrays, read_json, table_beside
from files.writing import write_arrays, write_json
from nets.checkpoint import CONFIG, METRICS, WEIGHTS, is_checkpoint, read_config

STATE, PREVIOUS = "state.npz", "state.previous.npz"
LAST = "last"  # folder of the newest weights beside the best ones
_PROGRESS = "progress"  # the entry that holds the `Standing`; it stands last
# What people are told.
_SAID: dict[str, str] = table_beside(__file__)


# -------------------------------------------------------------------------------------------- the state
@dataclass
class Standing:
    """How far a training is."""

    step: int = 0  # updates made
    seconds: float = 0.0  # spent training
    best: float = -1.0  # highest validation mAP so far, or -1
    best_step: int = 0  # step of it
    finished: bool = False  # whether nothing is left to do


class State(NamedTuple):
    """A training between two steps."""

    standing: Standing  # how far it is
    arrays: dict[str, np.ndarray]  # the values of `_variables`


def _variables(trainer: TrainingModel) -> dict[str, keras.Variable]:
    """Everything that the next step depends on: name in the state -> variable."""
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


def save_state(folder: Path, trainer: TrainingModel, standing: Standing) -> None:
    """Write the state; the one before it stays beside it."""
    arrays = {name: np.asarray(keras.ops.convert_to_numpy(one)) for name, one in _variables(trainer).items()}
    facts = json.dumps({"entries": len(arrays), **asdict(standing)})
    arrays[_PROGRESS] = np.frombuffer(facts.encode(), np.uint8)
    write_arrays(folder / STATE, arrays, previous=folder / PREVIOUS)


def put_back(state: State, trainer: TrainingModel) -> Standing:
    """Bring a compiled trainer, its optimiser built, to where `save_state` saw one; how far that is."""
    for name, variable in _variables(trainer).items():
        array = state.arrays.get(name)
        if array is None or array.shape != tuple(variable.shape):
            raise ValueError(_SAID["does_not_fit"].format(name))
        variable.assign(array)
    return state.standing


def read_state(folder: Path, say: Callable[[str], object]) -> State:
    """The newest state that can be read, to go on from it; says so if it is not the newest there is.

    A newer one that cannot is removed: the next save would put it in the place of the good one.

    Raises:
        ValueError: none of them can be read.
    """
    state, problems = _newest(folder)
    if state is None:
        raise ValueError(_SAID["no_state"].format(folder, "\n  ".join(problems)))
    if problems:
        say(_SAID["the_one_before"].format(problems[0], PREVIOUS, state.standing.step))
        (folder / STATE).unlink(missing_ok=True)
    return state


def _newest(folder: Path) -> tuple[State | None, list[str]]:
    """The newest state that can be read, and what is wrong with those that cannot."""
    problems = []
    for path in (folder / STATE, folder / PREVIOUS):
        try:
            arrays = read_arrays(path)
            facts = json.loads(arrays.pop(_PROGRESS).tobytes())
            if facts.pop("entries") != len(arrays):
                raise LookupError("entries are missing")
            facts.pop("stale", None)  # of a version that counted validations
            return State(Standing(**facts), arrays), problems
        except FileNotFoundError:
            problems.append(f"{path} is not there: writing it was cut off.")
        except (LookupError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            problems.append(f"{path} is damaged ({error}).")
        except ValueError as error:  # of `read_arrays`
            problems.append(str(error))
    return None, problems


def never_learnt(folder: Path) -> bool:
    """Whether a training was begun and left before its first step."""
    state, _ = _newest(folder)
    return not is_checkpoint(folder) and state is not None and state.standing.step == 0


# -------------------------------------------------------------------------------------- to go on, to begin
def resume(folder: Path, config: Mapping, total_steps: int, say: Callable[[str], object]) -> State:
    """The state that a training goes on from; config.json says from now on where its records are.

    Where the best weights that it has written cannot be read the best from here on count.

    Raises:
        ValueError: no state can be read; or no best weights, and nothing is left that would write others.
    """
    state = read_state(folder, say)
    standing = state.standing
    say(f"Resuming {folder} after step {standing.step} of {total_steps}.")
    try:
        if standing.best_step:
            read_arrays(folder / WEIGHTS)
    except (ValueError, FileNotFoundError) as error:
        if standing.finished:
            raise ValueError(_SAID["finished"].format(error, folder / LAST)) from error
        say(f"Warning: {error} The best weights from here on are kept instead.")
        standing.best, standing.best_step = -1.0, 0
    begun = read_config(folder)
    if begun.get("options") != config["options"] and process()[0] == 0:
        with demanding_room(folder, CONFIG, standing.step):
            write_json(folder / CONFIG, begun | {"options": config["options"]})
    return state


def begin(folder: Path, config: Mapping, traces: Traces, trainer: TrainingModel) -> Standing:
    """Write the state of the start, so that whatever is found beside it was written by this training.

    And a disk without room for it is found now, not after the first hour. Of a training that was begun there
    and never made a step nothing is left.
    """
    with demanding_room(folder, "the start of a training"):
        for name in (STATE, PREVIOUS):
            (folder / name).unlink(missing_ok=True)  # first: it belongs to another config.json
        for checkpoint in (folder, folder / LAST):
            checkpoint.mkdir(exist_ok=True)
            write_trained_on(checkpoint, traces)
        write_json(folder / CONFIG, config)
        save_state(folder, trainer, Standing())
    return Standing()


def read_metrics(folder: Path) -> dict[str, Any]:
    """What metrics.json says; {} without one. ValueError: damaged, or its step is no number."""
    path, cure = folder / METRICS, "Delete it: nothing else depends on it."
    metrics = read_json(path, cure) if path.is_file() else {}
    if not isinstance(metrics.get("step", 0), int):
        raise ValueError(f"{path} is damaged (its step is {metrics['step']!r}). {cure}")
    return metrics


def beside_training(options: Any, say: Callable[[str], object]) -> Any:
    """Options of an evaluation that writes below a training's folder instead of over its report and log."""
    folder, trained = options.eval_dir, options.checkpoint_path
    own = (trained.resolve(), (trained / LAST).resolve())
    if folder.resolve() not in own and not (folder / CONFIG).is_file():
        return options
    below = folder / "eval"
    say(f"--eval_dir={folder} is a training's, whose report and history stay: writing into {below}.")
    return replace(options, eval_dir=below)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps other trainings out of a folder, which is made; it goes again if nothing came into it.

    A training that is killed leaves no lock behind. Where there are no such locks (Windows, some network
    drives) nothing is kept out.

    Raises:
        ValueError: another one is at work there.
    """
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, _SAID["busy"].format(folder)):
        for half in (*folder.glob(".*.tmp"), *(folder / LAST).glob(".*.tmp")):  # of one that was killed
            half.unlink()
        try:
            yield
        finally:
            if made and not any(folder.iterdir()):
                folder.rmdir()


@contextmanager
def demanding_room(folder: Path, what: str, saved_step: int | None = None) -> Iterator[None]:
    """Says what a disk that takes no more means for the training; its newest state is of `saved_step`.

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
