"""From a classifier's logits to answers: probabilities, and how clearly they speak for a name."""

from __future__ import annotations

import numpy as np
from scipy import special

from nets.thresholds import evidence


def softmax(logits: np.ndarray) -> np.ndarray:
    """[..., K] -> float64 [..., K], rows sum to 1."""
    return special.softmax(np.asarray(logits, np.float64), axis=-1)


def evidence_of(logits: np.ndarray, rule: str) -> np.ndarray:
    """How clearly each face speaks for its name by a rule of `nets.thresholds`: [N, K] -> float64 [N]."""
    logits = np.asarray(logits, np.float32)
    if not len(logits):
        return np.zeros(0)
    with_background = np.concatenate([np.zeros((len(logits), 1), np.float32), logits], axis=1)
    return np.asarray(evidence(with_background)[rule], np.float64)
