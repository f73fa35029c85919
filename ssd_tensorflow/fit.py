"""Which network a file of variables holds, how much of it, and for how many classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.problems import some_of
from nets import NETWORKS, get_network
from nets.network import CLASS_HEADS, Network
from nets.slim_names import find_scopes, slim_variables


@dataclass(frozen=True)
class Fit:
    """How much of a network there is among variables by slim name."""

    network: Network  # which
    scope: str  # what stands before the names
    found: int  # variables of the network that are there in a shape that fits, whatever the number of classes
    total: int  # variables of the network
    num_classes: int | None  # of the class heads, with background; None without heads or where they disagree

    @property
    def complete(self) -> bool:
        """Whether it is all there."""
        return self.found == self.total and self.num_classes is not None


def find_fits(variables: Mapping[str, np.ndarray], scope: str | None = None) -> list[Fit]:
    """The networks that the variables can be of, the fullest first; those without any are left out.

    Args:
        variables: slim name -> array.
        scope: what stands before the names. None: for each network what most of its variables stand under.
    """
    fits = [_fit(network, variables, scope) for network in NETWORKS.values()]
    return sorted((fit for fit in fits if fit.found), key=lambda fit: -fit.found / fit.total)


def _fit(network: Network, variables: Mapping[str, np.ndarray], scope: str | None) -> Fit:
    model = network.build(2)
    scope = next(iter(find_scopes(model, variables)), "") if scope is None else scope.strip("/")
    wanted = {name: array.shape for name, array in slim_variables(model, scope).items()}
    found, classes = 0, set()
    for name, shape in wanted.items():
        array = variables.get(name)
        if array is None or not np.issubdtype(array.dtype, np.floating):
            continue
        if _is_class_head(name):
            # Two classes times so many anchors there; any number of classes times as many here.
            anchors = shape[-1] // 2
            if array.shape[:-1] == shape[:-1] and array.shape[-1] % anchors == 0:
                classes.add(array.shape[-1] // anchors)
                found += 1
        else:
            found += array.shape == shape
    return Fit(network, scope, found, len(wanted), classes.pop() if len(classes) == 1 else None)


def _is_class_head(name: str) -> bool:
    return not set(CLASS_HEADS).isdisjoint(name.split("/"))


def demand_fit(
    source: Path,
    variables: Mapping[str, np.ndarray],
    labels: Sequence[str],
    model_name: str | None,
    scope: str | None,
) -> Fit:
    """The network that is there, complete and for these names.

    Raises:
        ValueError: it is not.
    """
    fits = [_fit(get_network(model_name), variables, scope)] if model_name else find_fits(variables, scope)
    if not fits or not fits[0].found:
        wanted = model_name or "any network of this project"
        there = ", ".join(list(variables)[:3]) or "nothing"
        under = "" if scope is None else f" under {scope!r}"
        raise ValueError(
            f"{source} holds no variable of {wanted}{under}. It holds {there}, … "
            "See all of them with `python -m tools.slim_checkpoint inspect`."
        )
    fit = fits[0]
    if fit.num_classes is not None and fit.num_classes != len(labels) + 1:
        raise ValueError(
            f"The labels file has {len(labels)} names, the {fit.network.name} in {source} was trained on "
            f"{fit.num_classes - 1} (and background). Give a file with all of its names, one a line, in the "
            "order of their class ids. To train on other names, give the checkpoint itself to "
            "train_ssd_network.py as --checkpoint_path."
        )
    if not fit.complete:
        raise ValueError(_what_is_missing(source, fit, variables))
    return fit


def _what_is_missing(source: Path, fit: Fit, variables: Mapping[str, np.ndarray]) -> str:
    """The message when a file holds a part of a network."""
    wanted = slim_variables(fit.network.build(fit.num_classes or 2), fit.scope)
    missing = [name for name in wanted if name not in variables]
    others = [
        f"{name} is {variables[name].dtype} {list(variables[name].shape)} instead of {list(array.shape)}"
        for name, array in wanted.items()
        if name in variables
        and variables[name].shape != array.shape
        # Without a number of classes nobody knows the shape of a class head.
        and (fit.num_classes or not _is_class_head(name))
    ]
    found = [f"{source} holds {fit.found} of the {fit.total} variables of {fit.network.name}"]
    found += [f"missing under {fit.scope!r}: {some_of(missing, 3)}"] if missing else []
    found += [some_of(others, 3)] if others else []
    found += [] if fit.num_classes else ["its class heads are missing or not all for as many names"]
    better = next((other.network.name for other in find_fits(variables) if other.complete), None)
    cure = (
        f"It is all of a {better}: import it with --model_name={better}."
        if better
        else "An import needs all of them. To start a training from a part of a network, give the file to "
        "train_ssd_network.py as --checkpoint_path."
    )
    return f"{'; '.join(found)}. {cure}"
