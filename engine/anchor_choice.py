"""Which anchors a training uses: the network's own, those of the weights it starts from, or fitted ones."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from boxes.anchor_fitting import fit_anchors, shape_overlaps, shapes_of
from nets.checkpoint import is_checkpoint, read_network
from nets.network import Network

# Boxes that anchors are fitted to: enough for thirty clusters, some seconds of augmentation.
FITTED_BOXES = 3000


def choose_anchors(
    network: Network,
    choice: str,
    *,
    checkpoint_path: str,
    batches: Callable[[], Iterable],
    say: Callable[[str], object],
) -> Network:
    """The network with the anchors that were asked for.

    Args:
        network: with its own.
        choice: start, network or fitted, as in `engine.training_options`.
        checkpoint_path: what the training starts from.
        batches: makes training batches, augmented: what fitted anchors are fitted to.
        say: prints a line.
    """
    if choice == "fitted":
        shapes = augmented_shapes(batches())
        fitted = replace(network, anchor_layers=fit_anchors(network.anchor_layers, shapes))
        before, after = (_mean_best_overlap(shapes, one) for one in (network, fitted))
        say(
            f"Anchors fitted to {len(shapes)} boxes of augmented pictures: mean best overlap of shapes "
            f"{before:.3f} before, {after:.3f} now."
        )
        return fitted
    if choice == "start" and is_checkpoint(Path(checkpoint_path)):
        there = read_network(Path(checkpoint_path))
        if there.name == network.name and there.anchor_layers != network.anchor_layers:
            say(f"Anchors as in {checkpoint_path}, where they were fitted to its labels.")
            return replace(network, anchor_layers=there.anchor_layers)
    return network


def augmented_shapes(batches: Iterable) -> np.ndarray:
    """(height, width) of the boxes of training batches: [N, 2], about `FITTED_BOXES`."""
    found, count = [], 0
    for _, targets in batches:
        boxes = np.asarray(targets["boxes"])[np.asarray(targets["classes"]) > 0]  # [n, 4]
        found.append(boxes[:, 2:] - boxes[:, :2])
        count += len(boxes)
        if count >= FITTED_BOXES:
            break
    return np.concatenate(found).astype(np.float64)


def _mean_best_overlap(shapes: np.ndarray, network: Network) -> float:
    return float(shape_overlaps(shapes, np.array(shapes_of(network.anchor_layers))).max(axis=1).mean())
