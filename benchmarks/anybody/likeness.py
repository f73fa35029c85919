"""Makes likeness.npz of portraits: what tells drawn people apart, as the first map of a finder sees them.

    python -m benchmarks.anybody.portraits --output_path=portraits.npy
    python -m benchmarks.anybody.likeness --portraits=portraits.npy --checkpoint_path=checkpoints/anime_heads

Fisher's discriminants: the directions in which different people differ most, for how much pictures of one
person do. The last of the people are kept as strangers.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.linalg
import tyro
from sklearn.utils.extmath import randomized_svd

from files.arrays import write_arrays
from nets.checkpoint import build_model, read_checkpoint
from nets.likeness import LIKENESS, Likeness, features, first_map

KEPT, NUMBERS = 1000, 128  # directions in which portraits differ most; numbers of a vector
SHRUNK = 0.1  # of the scatter within people, towards a ball: Friedman 1989, regularised discriminants
STRANGERS = 400


@dataclass(frozen=True)
class Options:
    """Makes likeness.npz."""

    portraits: Path
    """What benchmarks.anybody.portraits wrote."""
    checkpoint_path: Path
    """The finder; likeness.npz is written into its folder."""
    shots: int = 10
    """Portraits of each person."""


def discriminants(rows: np.ndarray, shots: int) -> tuple[np.ndarray, np.ndarray]:
    """Of rows [people * shots, D]: their mean [D] and the projection [D, NUMBERS], float32 both."""
    mean = rows.mean(0)
    _, _, axes = randomized_svd(rows[::2] - mean, KEPT, n_iter=2, random_state=0)
    points = (rows - mean) @ axes.T
    people = points.reshape(-1, shots, KEPT).mean(1)
    within = points - np.repeat(people, shots, 0)
    scatter = within.T @ within / len(within)
    scatter += SHRUNK * np.trace(scatter) / KEPT * np.eye(KEPT)
    between = people.T @ people / len(people)
    _, best = scipy.linalg.eigh(between, scatter, subset_by_index=[KEPT - NUMBERS, KEPT - 1])
    return mean.astype(np.float32), (axes.T @ best[:, ::-1]).astype(np.float32)


def main() -> int:
    options = tyro.cli(Options, prog="python -m benchmarks.anybody.likeness", description=__doc__)
    portraits = np.load(options.portraits, mmap_mode="r")
    finder = build_model(read_checkpoint(options.checkpoint_path))
    model = first_map(finder)
    chunks = range(0, len(portraits), 1024)
    rows = np.concatenate([features(model, portraits[first : first + 1024]) for first in chunks])
    learnt = len(rows) - STRANGERS * options.shots
    mean, projection = discriminants(rows[:learnt], options.shots)
    maps = {"mean": mean.astype(np.float16), "projection": projection.astype(np.float16)}
    likeness = Likeness(finder, {**maps, "strangers": np.zeros((0, NUMBERS))})
    strangers = likeness.project(rows[learnt :: options.shots])
    write_arrays(options.checkpoint_path / LIKENESS, {**maps, "strangers": strangers.astype(np.float16)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
