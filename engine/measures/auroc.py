"""How well a number tells two groups apart."""

import numpy as np


def auroc(higher: np.ndarray, lower: np.ndarray) -> float | None:
    """Area under the receiver operating characteristic.

    Args:
        higher: [N] values of the group that should have the higher ones.
        lower: [M] values of the other.

    Returns:
        The share of pairs in which the first is higher, ties counted half: 1 apart, 0.5 mixed, 0 the wrong
        way round. None when a group is empty.
    """
    if not len(higher) or not len(lower):
        return None
    lower = np.sort(lower)
    below = np.searchsorted(lower, higher, "left") + np.searchsorted(lower, higher, "right")
    return float(below.mean() / (2 * len(lower)))
