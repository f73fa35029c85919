"""Which pictures are worth a person's time first: where the detector is unsure, unlike what is labelled."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from boxes.detections import Detections
from files.writing import write_text

ORDER = "labelling_order.txt"  # in the data set; `make labelimg` follows it

# Pictures in which the detector sees nothing may show somebody that it does not know yet: variety alone must
# be able to bring them forward.
_BASE = 0.25
_GRID = 8


def expected_corrections(detections: Detections) -> float:
    """How many boxes of a draft a person must put right, if scores are the chances of being right.

    A box that is drawn is wrong with the chance 1 - score, one that is left out was right with the chance
    score: of each the smaller counts.

    Args:
        detections: with low scores too.
    """
    return float(np.minimum(detections.scores, 1 - detections.scores).sum())


def look(picture: np.ndarray) -> np.ndarray:
    """What a picture looks like from afar: float32 [192] of its colours in an 8 x 8 grid, 0 to 1.

    Args:
        picture: uint8 [H, W, 3].
    """
    rows = np.array_split(picture.astype(np.float32) / 255, min(_GRID, picture.shape[0]), axis=0)
    cells = [
        cell.mean(axis=(0, 1))
        for row in rows
        for cell in np.array_split(row, min(_GRID, picture.shape[1]), axis=1)
    ]
    flat = np.concatenate(cells)
    return np.resize(flat, 3 * _GRID**2).astype(np.float32)


def useful_first(uncertainty: Sequence[float], looks: np.ndarray, labelled: np.ndarray) -> list[int]:
    """Orders pictures, most useful first.

    Each next picture is the one with the largest product of its uncertainty and its distance from the nearest
    picture that is labelled or comes earlier (farthest-first, Gonzalez 1985): among ten frames of one scene
    the most uncertain comes early, the others late.

    Args:
        uncertainty: one number for each of N pictures, as `expected_corrections`.
        looks: float32 [N, D], from `look`.
        labelled: float32 [M, D], of pictures that a person has labelled; M may be 0.

    Returns:
        a permutation of 0...N-1.
    """
    count = len(looks)
    value = _BASE + np.asarray(uncertainty, np.float64)
    # Until something is labelled, everything is equally far from it.
    distance = np.full(count, np.inf)
    for one in labelled:
        distance = np.minimum(distance, np.linalg.norm(looks - one, axis=1))
    left = np.ones(count, bool)
    order: list[int] = []
    for _ in range(count):
        finite = np.where(np.isinf(distance), 1.0, distance)
        # The first of equals, so that the order is the same on every machine.
        best = int(np.argmax(np.where(left, value * finite, -1.0)))
        order.append(best)
        left[best] = False
        distance = np.minimum(distance, np.linalg.norm(looks - looks[best], axis=1))
    return order


def write_order(dataset_dir: Path, names: Sequence[str]) -> None:
    """Writes the order into a data set, in place of an earlier one.

    Args:
        dataset_dir: the data set.
        names: paths of pictures below the folder of pictures, most useful first.
    """
    write_text(dataset_dir / ORDER, "".join(f"{name}\n" for name in names))
