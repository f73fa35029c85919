"""Where first weights come from: a checkpoint folder, variables by name, ImageNet, or nowhere."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from nets.checkpoint import is_checkpoint, read_checkpoint
from nets.imagenet import load_imagenet, reduce_fully_connected
from nets.network import CLASS_HEADS, Network, background_prior
from nets.slim_names import find_scopes, load_slim_variables, matches_scopes, read_slim_variables, slim_name

# Share of a network's values (class heads aside) below which a start is called a mistake. The 13 convolutions
# of VGG-16 are 0.63 of ssd_300_vgg's.
LEAST_RESTORED = 0.5

# Of background to names at the start of a training with focal loss (Lin et al. 2017, section 4.1: 0.01).
FOCAL_ODDS = 99.0


@dataclass(frozen=True)
class Start:
    """What a training starts from, for people and for config.json.

    Attributes:
        source: in words.
        restored: model variables that took a value.
        fresh: model variables left as initialised.
    """

    source: str
    restored: tuple[str, ...]
    fresh: tuple[str, ...]

    def summary(self) -> str:
        total = len(self.restored) + len(self.fresh)
        text = f"{self.source}: {len(self.restored)} of {total} variables restored"
        if self.restored and self.fresh:
            shown = ", ".join(self.fresh[:4]) + (", …" if len(self.fresh) > 4 else "")
            text += f"; fresh: {shown}"
        return text


def starting_weights(
    model: keras.Model,
    network: Network,
    labels: Sequence[str],
    checkpoint_path: str,
    *,
    scope: str | None = None,
    skip: Sequence[str] = (),
) -> Start:
    """Fill a fresh model from `checkpoint_path`, in place.

    Args:
        model: as built by `network.build(len(labels) + 1)`.
        network: whose model it is.
        labels: names of this training.
        checkpoint_path: a checkpoint folder of this project (class outputs are matched by name, new names
            start fresh), an .npz or TensorFlow checkpoint of tf-slim names, `imagenet`, the .h5 file of
            keras.applications' VGG16 or MobileNetV2, or empty for random weights. Class outputs that were
            trained as sigmoids start fresh: their numbers mean something else in a softmax.
        scope: what stands before the names in a tf-slim checkpoint; None finds out, and so does a scope
            under which there is nothing.
        skip: scopes to leave fresh.

    Raises:
        ValueError: not there, not readable, or so little of it fits that it must be the wrong one.
    """
    if not checkpoint_path:
        return _start(model, "random weights (no --checkpoint_path)", set())
    if from_imagenet(checkpoint_path):
        report = load_imagenet(model, None if checkpoint_path == "imagenet" else Path(checkpoint_path))
        trunk = "MobileNetV2" if "mobilenet" in network.name else "VGG-16"
        return _slim_start(model, f"{trunk} of keras.applications, trained on ImageNet", report.restored)
    if is_checkpoint(Path(checkpoint_path)):
        start = _from_checkpoint(model, network, labels, Path(checkpoint_path), skip)
    else:
        variables = reduce_fully_connected(read_slim_variables(checkpoint_path))
        source = checkpoint_path
        there = find_scopes(model, variables)
        if scope is not None and there and scope.strip("/") not in there:
            # SSD-Tensorflow's README gives vgg_16 for its own checkpoints too, which have ssd_300_vgg.
            source += f" (nothing of {network.name} under {scope!r}: taken from {there[0]!r})"
            scope = None
        if network.published_scores != network.scores:
            source += f" without its class outputs (trained as {network.published_scores}s)"
            skip = (*skip, *CLASS_HEADS)
        report = load_slim_variables(model, variables, scope=scope, skip=skip)
        start = _slim_start(model, source, report.restored)
    _demand_enough(model, start, checkpoint_path, skip)
    return start


def expect_background(model: keras.Model, fresh: Sequence[str], num_classes: int) -> None:
    """Give fresh class heads the prior for a loss that shows all of the background, in place.

    Args:
        model: as built by `network.build`.
        fresh: variables that nothing was restored into.
        num_classes: C, with background.
    """
    for variable in model.weights:
        bias = variable.path.endswith("bias") and matches_scopes(model, variable.path, CLASS_HEADS)
        if bias and variable.path in fresh:
            prior = background_prior(num_classes, variable.shape[0] // num_classes, odds=FOCAL_ODDS)
            variable.assign(prior(variable.shape))


def from_imagenet(checkpoint_path: str) -> bool:
    """Whether the path means a network of keras.applications, which classifies pictures."""
    return checkpoint_path == "imagenet" or checkpoint_path.endswith(".h5")


def _start(model: keras.Model, source: str, restored: set[str]) -> Start:
    paths = [variable.path for variable in model.weights]
    return Start(
        source,
        tuple(path for path in paths if path in restored),
        tuple(path for path in paths if path not in restored),
    )


def _slim_start(model: keras.Model, source: str, restored: Sequence[str]) -> Start:
    """A report of tf-slim names (with any scope in front) as one of variable paths."""
    tails = {"/".join(name.split("/")[cut:]) for name in restored for cut in range(name.count("/") + 1)}
    return _start(model, source, {v.path for v in model.weights if slim_name(v.path) in tails})


def _from_checkpoint(
    model: keras.Model, network: Network, labels: Sequence[str], folder: Path, skip: Sequence[str]
) -> Start:
    """Everything of equal path and shape; of the class heads the outputs whose names both know."""
    checkpoint = read_checkpoint(folder)
    if checkpoint.network.name != network.name:
        raise ValueError(
            f"--checkpoint_path={folder} holds a {checkpoint.network.name}, but --model_name is "
            f"{network.name}. "
            f"Train with --model_name={checkpoint.network.name}, or start from another checkpoint."
        )
    sigmoids = checkpoint.network.scores != network.scores
    if sigmoids:
        skip = (*skip, *CLASS_HEADS)
    known = {name: class_id for class_id, name in enumerate(checkpoint.labels, start=1)}
    pairs = [(0, 0)] + [(new, known[name]) for new, name in enumerate(labels, start=1) if name in known]
    restored = set()
    for variable in model.weights:
        array = checkpoint.weights.get(variable.path)
        if array is None or matches_scopes(model, variable.path, skip):
            continue
        if matches_scopes(model, variable.path, CLASS_HEADS):
            array = _class_outputs(np.array(variable), array, pairs, len(labels) + 1, len(known) + 1)
        if tuple(array.shape) == tuple(variable.shape):
            variable.assign(array)
            restored.add(variable.path)
    if sigmoids:
        trained = f"trained as {checkpoint.network.scores}s"
        return _start(model, f"checkpoint {folder} without its class outputs ({trained})", restored)
    shared = [name for name in labels if name in known]
    new = [name for name in labels if name not in known]
    source = f"checkpoint {folder} (names it knows: {', '.join(shared) or 'none'}"
    return _start(model, source + (f"; new names: {', '.join(new)})" if new else ")"), restored)


def _class_outputs(fresh: np.ndarray, array: np.ndarray, pairs, classes: int, known: int) -> np.ndarray:
    """Class outputs under their new ids: [..., anchors·C_old] -> [..., anchors·C_new], `fresh` where new."""
    if array.shape[:-1] != fresh.shape[:-1] or array.shape[-1] * classes != fresh.shape[-1] * known:
        return array  # another network's; the caller compares shapes
    old = array.reshape(*array.shape[:-1], -1, known)
    result = fresh.reshape(*fresh.shape[:-1], -1, classes).copy()
    for new_id, old_id in pairs:
        result[..., new_id] = old[..., old_id]
    return result.reshape(fresh.shape)


def _demand_enough(model: keras.Model, start: Start, checkpoint_path: str, skip: Sequence[str]) -> None:
    """A checkpoint that restores next to nothing is the wrong one; training on would waste hours."""
    trunk = {
        v.path: math.prod(v.shape)
        for v in model.weights
        if not matches_scopes(model, v.path, (*skip, *CLASS_HEADS))
    }
    share = sum(trunk.get(path, 0) for path in start.restored) / max(1, sum(trunk.values()))
    if share < LEAST_RESTORED:
        raise ValueError(
            f"--checkpoint_path={checkpoint_path} restored only {len(start.restored)} of "
            f"{len(model.weights)} variables of "
            f"{model.name}. Is it another network's, or are its names under a scope "
            "(--checkpoint_model_scope)? "
            f"Not restored: {', '.join(start.fresh[:5])}, …"
        )
