"""Which anchors a training uses: the network's own, those of the weights it starts from, or fitted ones."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from boxes.anchor_fitting import best_anchors, fit_anchors
from nets.checkpoint import is_checkpoint, read_network
from nets.network import Network

# Boxes that anchors are fitted to: enough for thirty clusters, some seconds of work.
FITTED_BOXES = 2000
# Pictures that are looked at for them; most may be empty.
MOST_PICTURES = 5000


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
        choice: start, network or fitted, as in `engine.training.options`.
        checkpoint_path: what the training starts from.
        batches: makes training batches, augmented: what fitted anchors are fitted to.
        say: prints a line.
    """
    if choice == "fitted":
        boxes = augmented_boxes(batches())
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
    if choice == "start" and is_checkpoint(Path(checkpoint_path)):
        there = read_network(Path(checkpoint_path))
        if there.name == network.name and there.anchor_layers != network.anchor_layers:
            say(f"Anchors as in {checkpoint_path}, where they were fitted to its labels.")
            return replace(network, anchor_layers=there.anchor_layers)
    return network


def augmented_boxes(batches: Iterable) -> np.ndarray:
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
