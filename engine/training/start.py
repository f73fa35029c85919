"""What a training starts from: weights of a checkpoint, by name, of ImageNet or random ones; and anchors."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from boxes.anchor_fitting import best_anchors, fit_anchors
from boxes.anchors import family, shapes_of, with_shapes
from datasets.problems import some_of
from nets.checkpoint import Checkpoint, is_checkpoint, network_of, read_checkpoint, read_config
from nets.imagenet import load_imagenet, reduce_fully_connected
from nets.network import CLASS_HEADS, Network
from nets.slim_names import load_slim_variables, matches_scopes, read_slim_variables, slim_name

# Share of a network's values (class heads aside) below which a start is called a mistake. The 13 convolutions
# of VGG-16 are 0.63 of ssd_300_vgg's.
LEAST_RESTORED = 0.5
FITTED_BOXES = 2000  # that anchors are fitted to: enough for thirty clusters, some seconds of work
MOST_PICTURES = 5000  # that are looked at for them; most may be empty


@dataclass(frozen=True)
class Start:
    """What a training starts from, for people and for config.json."""

    source: str  # in words
    restored: tuple[str, ...]  # model variables that took a value
    fresh: tuple[str, ...]  # model variables left as initialised
    known: tuple[str, ...]  # names whose outputs it takes over, in this network or not

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
    skip: Sequence[str] = (),
) -> Start:
    """Fill a fresh model from `checkpoint_path`, in place.

    Args:
        model: as built by `network.build(len(labels) + 1)`.
        checkpoint_path: a checkpoint folder of this project (class outputs are matched by name, new names
            start fresh; of a network of the same family), an .npz or TensorFlow checkpoint of tf-slim names,
            `imagenet`, the .h5 file of keras.applications' VGG16, or empty for random weights. Class outputs
            trained as sigmoids start fresh: their numbers mean something else in a softmax.
        skip: scopes to leave fresh.

    Raises:
        ValueError: not there, not readable, or so little of it fits that it must be the wrong one.
    """
    path = Path(checkpoint_path)
    if not checkpoint_path:
        return _start(model, "random weights (no --checkpoint_path)", set())
    if from_imagenet(checkpoint_path):
        report = load_imagenet(model, None if checkpoint_path == "imagenet" else path)
        source = "VGG-16 of keras.applications, trained on ImageNet"
        return _start(model, source, _keras_paths(model, report.restored))
    there = checkpoint_at(checkpoint_path)
    checkpoint = None if there is None else read_checkpoint(there)
    scores = network.published_scores if checkpoint is None else checkpoint.network.scores
    skip = skip if scores == network.scores else (*skip, *CLASS_HEADS)
    if checkpoint is None:
        variables = reduce_fully_connected(read_slim_variables(checkpoint_path))
        source = checkpoint_path
        restored = _keras_paths(model, load_slim_variables(model, variables, skip=skip).restored)
    else:
        source = f"checkpoint {path}"
        restored = _from_checkpoint(model, network, labels, checkpoint, skip)
    if scores != network.scores:
        source += f" without its class outputs (trained as {scores}s)"
    elif checkpoint is not None:
        shared = [name for name in labels if name in checkpoint.labels]
        new = [name for name in labels if name not in checkpoint.labels]
        source += f" (names it knows: {', '.join(shared) or 'none'}"
        source += f"; new names: {', '.join(new)})" if new else ")"
    known = checkpoint.labels if checkpoint is not None and scores == network.scores else ()
    start = _start(model, source, restored, known)
    _demand_enough(model, start, checkpoint_path, skip)
    return start


def demand_new_names(start: Start, labels: Sequence[str], checkpoint_path: str, dataset_dir: Path) -> None:
    """Raises ValueError where names could not be added to those that a start knows."""
    option = "--trainable_scopes=new_names"
    if not start.known:
        raise ValueError(
            f"{option} adds names to a detector: give its checkpoint folder as --checkpoint_path, not "
            f"{checkpoint_path or 'nothing'}"
        )
    if lost := [name for name in start.known if name not in labels]:
        raise ValueError(
            f"{dataset_dir}: labels.txt lacks {some_of(lost)}, which {checkpoint_path} knows and {option} "
            f"keeps; copy {Path(checkpoint_path) / 'labels.txt'} into a new folder and convert into that, "
            "which adds the new names"
        )
    if len(start.known) == len(labels):
        raise ValueError(f"{option}: {checkpoint_path} knows all names of {dataset_dir} already")


def checkpoint_at(path: str) -> Path | None:
    """The checkpoint folder that a text means; None where it means something else, or nothing."""
    return Path(path) if path and is_checkpoint(Path(path)) else None


def from_imagenet(checkpoint_path: str) -> bool:
    """Whether the path means a network of keras.applications, which classifies pictures."""
    return checkpoint_path == "imagenet" or checkpoint_path.endswith(".h5")


def keeps_statistics(network: Network, checkpoint_path: str) -> bool:
    """Whether batch normalisation keeps what it starts with.

    Where a network asks for it and has weights to start from: those of ssd_300_mobilenet_v2 come with their
    statistics folded into scales and shifts.
    """
    return network.freeze_batch_norm and bool(checkpoint_path)


def _start(model: keras.Model, source: str, restored: set[str], known: Sequence[str] = ()) -> Start:
    paths = [variable.path for variable in model.weights]
    fresh = tuple(path for path in paths if path not in restored)
    return Start(source, tuple(path for path in paths if path in restored), fresh, tuple(known))


def _keras_paths(model: keras.Model, slim_names: Sequence[str]) -> set[str]:
    """The variables of the model that tf-slim names, with any scope in front, stand for."""
    tails = {"/".join(name.split("/")[cut:]) for name in slim_names for cut in range(name.count("/") + 1)}
    return {variable.path for variable in model.weights if slim_name(variable.path) in tails}


def _from_checkpoint(
    model: keras.Model, network: Network, labels: Sequence[str], checkpoint: Checkpoint, skip: Sequence[str]
) -> set[str]:
    """Restore what has equal path and shape, of class heads the names that both know; the paths of it all."""
    if family(there := checkpoint.network.name) != family(network.name):
        raise ValueError(
            f"--checkpoint_path={checkpoint.folder} holds a {there}, but --model_name is {network.name}. "
            f"Train with --model_name={there}, or start from another checkpoint."
        )
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
    return restored


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
            f"{len(model.weights)} variables of {model.name}. Is it another network's? "
            f"Not restored: {', '.join(start.fresh[:5])}, …"
        )


def choose_anchors(
    network: Network,
    choice: str,
    checkpoint_path: str,
    *,
    batches: Callable[[], Iterable],
    say: Callable[[str], object],
) -> Network:
    """The network with the anchors that were asked for, as the options `anchors` and `checkpoint_path` say.

    Fitted ones are fitted to the training batches, augmented, that `batches` makes.
    """
    if choice == "fitted":
        boxes = _augmented_boxes(batches())
        if not len(boxes):
            say("Augmented pictures show no boxes to fit anchors to: they stay the network's own.")
            return network
        fitted = replace(network, anchor_layers=fit_anchors(network.anchor_layers, boxes))
        before, after = (best_anchors(one.anchor_layers, boxes)[0].mean() for one in (network, fitted))
        say(
            f"Anchors fitted to {len(boxes)} boxes of augmented pictures: mean overlap with the best anchor "
            f"{before:.3f} before, {after:.3f} now."
        )
        return fitted
    if choice == "start" and (folder := checkpoint_at(checkpoint_path)) is not None:
        there = network_of(read_config(folder))
        shapes, own = shapes_of(there.anchor_layers), shapes_of(network.anchor_layers)
        if family(there.name) == family(network.name) and shapes != own and len(shapes) == len(own):
            say(f"Anchors as in {checkpoint_path}, where they were fitted to its labels.")
            return replace(network, anchor_layers=with_shapes(network.anchor_layers, shapes))
    return network


def _augmented_boxes(batches: Iterable) -> np.ndarray:
    """The boxes of training batches as corners: [N, 4], `FITTED_BOXES` or the rest of a batch more.

    Fewer where `MOST_PICTURES` do not show so many.
    """
    found, boxes, pictures = [], 0, 0
    for images, targets in batches:
        found.append(np.asarray(targets["boxes"])[np.asarray(targets["classes"]) > 0])
        boxes, pictures = boxes + len(found[-1]), pictures + len(images)
        if boxes >= FITTED_BOXES or pictures >= MOST_PICTURES:
            break
    return np.concatenate(found)
