"""Keras variables under their tf-slim names: filled from other variables of such names, and named for them.

One reversible rule: the layer's name with dots for slashes, then `weights` for `kernel` and `biases` for
`bias`; other variables keep their name. `block8.conv1x1/kernel` is `block8/conv1x1/weights`. The batch
normalisation inside of a convolution keeps its own slash: `Conv_1/BatchNorm/gamma` on both sides. A
checkpoint puts its own scope in front (`ssd_300_vgg/`, `vgg_16/`, or none).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from nets.normalised_convolution import NORM
from nets.slim_files import read_slim_variables

_TO_SLIM = {"kernel": "weights", "bias": "biases"}
_TO_KERAS = {slim: ours for ours, slim in _TO_SLIM.items()}

# What TensorFlow 1 appends to a variable's name for what its optimizers and averages keep beside it.
_SLOT = re.compile(r"/(Adadelta|Adagrad|Adam|Ftrl|Momentum|RMSProp)(_\d+)?$")
_AVERAGE = "/ExponentialMovingAverage"
_COUNTER = re.compile(r"(^|/)(global_step|beta[12]_power(_\d+)?)$")


@dataclass(frozen=True)
class SlimReport:
    """What `load_slim_variables` did, under the names of the source."""

    restored: list[str]  # variables of the model that took their value from the source
    skipped: list[str]  # variables of the source that were not used
    missing: list[str]  # variables of the model that the source does not have
    reasons: dict[str, str]  # for each skipped name, why


def slim_name(keras_path: str) -> str:
    """`conv1.conv1_1/kernel` -> `conv1/conv1_1/weights`."""
    layer, _, variable = keras_path.rpartition("/")
    return f"{layer.replace('.', '/')}/{_TO_SLIM.get(variable, variable)}"


def keras_path(name: str) -> str:
    """`conv1/conv1_1/weights` -> `conv1.conv1_1/kernel`, the inverse of `slim_name`."""
    layer, _, variable = name.rpartition("/")
    layer = re.sub(rf"\.{NORM}$", f"/{NORM}", layer.replace("/", "."))
    return f"{layer}/{_TO_KERAS.get(variable, variable)}"


def slim_variables(model: keras.Model, scope: str = "") -> dict[str, np.ndarray]:
    """The model's variables by slim name, the inverse of `load_slim_variables`."""
    return {_scoped(scope, slim_name(weight.path)): np.array(weight) for weight in model.weights}


def training_state(name: str) -> str:
    """What a variable of a checkpoint is for, if only its training needed it; empty for one of a network."""
    if slot := _SLOT.search(name):
        return f"{slot[1]} slot"
    if name.endswith(_AVERAGE):
        return "moving average"
    return "counter" if _COUNTER.search(name) else ""


def with_moving_averages(variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The variables, each replaced by the moving average that its training kept of it.

    ValueError where there is no moving average among them.
    """
    averages = {name: array for name, array in variables.items() if name.endswith(_AVERAGE)}
    if not averages:
        cure = "The training kept none; take the weights as they are (without --use_ema)."
        wrong = f"none of the {len(variables)} names ends in {_AVERAGE}"
        raise ValueError(f"No variable is a moving average: {wrong}. {cure}")
    rest = {name: array for name, array in variables.items() if name not in averages}
    return {**rest, **{name.removesuffix(_AVERAGE): array for name, array in averages.items()}}


def find_scopes(model: keras.Model, names: Iterable[str]) -> list[str]:
    """Scopes under which `names` hold variables of the model, the fullest first, then the shortest."""
    wanted = {slim_name(weight.path) for weight in model.weights}
    counts: Counter[str] = Counter()
    for name in names:
        parts = name.split("/")
        for cut in range(len(parts) - 1):
            if "/".join(parts[cut:]) in wanted:
                counts["/".join(parts[:cut])] += 1
    return sorted(counts, key=lambda scope: (-counts[scope], scope.count("/"), scope))


def load_slim_variables(
    model: keras.Model,
    variables: Mapping[str, np.ndarray] | Path | str,
    scope: str | None = None,
    skip: Iterable[str] = (),
) -> SlimReport:
    """Give the model's variables the values that a tf-slim checkpoint has for them.

    Args:
        model: changed in place.
        variables: slim name -> array, or what `read_slim_variables` takes.
        scope: what stands before the names in the source: `ssd_300_vgg`, `vgg_16`, or "" for nothing.
            None: the scope that holds most of the model's variables.
        skip: names of scopes to leave alone, matched by whole path components anywhere in the name:
            `block1` does not touch `block10`, `conv_cls` is every class head. The source's scope or the
            model's name in front (`ssd_300_vgg/conv6`) may be there or not.

    Raises:
        ValueError: no variable of the model was restored. The model is then unchanged.
    """
    if not isinstance(variables, Mapping):
        variables = read_slim_variables(variables)
    scopes = find_scopes(model, variables)
    if scope is None:
        scope = scopes[0] if scopes else ""
    scope = scope.strip("/")
    left_alone = _components([skip] if isinstance(skip, str) else skip, fronts=(scope, model.name))

    weights = {_scoped(scope, slim_name(weight.path)): weight for weight in model.weights}
    values: dict[str, np.ndarray] = {}
    reasons: dict[str, str] = {}
    for name in variables:
        value = np.asarray(variables[name])
        if reason := _why_not(name, value, weights, scope, left_alone):
            reasons[name] = reason
        else:
            values[name] = value
    if not values:
        raise ValueError(_nothing_restored(model, scope, scopes, reasons, weights))
    for name, value in values.items():
        weights[name].assign(value)
    missing = [name for name in weights if name not in variables]
    return SlimReport(restored=list(values), skipped=list(reasons), missing=missing, reasons=reasons)


def matches_scopes(model: keras.Model, keras_path: str, scopes: Iterable[str]) -> bool:
    """Whether a variable or layer of the model lies in one of the scopes, by whole path components.

    `block1` does not hold `block10`; `conv_cls` holds every class head; the model's name may stand in front.
    Keras's way to write them, `block1.conv1`, is the same as `block1/conv1`.
    """
    parts = slim_name(keras_path).split("/")
    written = [scope.replace(".", "/") for scope in scopes]
    return any(_contains(parts, run) for run in _components(written, fronts=(model.name,)))


def _scoped(scope: str, name: str) -> str:
    return f"{scope}/{name}" if scope else name


def _components(entries: Iterable[str], fronts: tuple[str, ...]) -> list[list[str]]:
    """Path components of each entry, without a leading scope."""
    found = []
    for parts in (entry.strip().strip("/").split("/") for entry in entries):
        for front in (scope.split("/") for scope in fronts if scope):
            if parts[: len(front)] == front:
                parts = parts[len(front) :]  # empty for the scope itself: everything
                break
        if parts != [""]:
            found.append(parts)
    return found


def _contains(parts: list[str], run: list[str]) -> bool:
    return any(parts[start : start + len(run)] == run for start in range(len(parts) - len(run) + 1))


def _why_not(name: str, value: np.ndarray, weights, scope: str, skip: list[list[str]]) -> str | None:
    """Why a variable of the source is left alone, or None."""
    if name not in weights:
        if state := training_state(name):
            return f"{state} of the training that wrote it"
        if scope and not name.startswith(f"{scope}/"):
            return f"not under {scope}/"
        return "not in this network"
    parts = name[len(scope) + 1 if scope else 0 :].split("/")
    for run in skip:
        if _contains(parts, run):
            return f"skipped on request ({'/'.join(run) or 'all'})"
    wanted = tuple(weights[name].shape)
    if value.shape != wanted:
        return f"shape {list(value.shape)}, the network has {list(wanted)}"
    if not np.issubdtype(value.dtype, np.floating):
        return f"{value.dtype} values, the network has floating-point ones"
    return None


def _nothing_restored(model, scope, scopes, reasons, weights) -> str:
    """The message when no variable fits: what was looked for, what is there, what to do."""
    message = f"None of the {len(weights)} variables of {model.name} was restored with scope {scope!r}."
    if fitting := [name for name in reasons if name in weights]:
        cure = "Skip less, or use a checkpoint of this network."
        return f"{message} {fitting[0]}: {reasons[fitting[0]]}. {cure}"
    if scopes:
        cure = f"They are there under {' and '.join(repr(other) for other in scopes[:3])}: use that scope."
    else:
        there = ", ".join(list(reasons)[:3]) or "no variables at all"
        cure = f"The source has {there}: use a checkpoint of this network."
    return f"{message} Looked for {next(iter(weights))} and the like. {cure}"
