"""When a name is reported: from a score that is chosen for each, and how clearly a stranger can be told.

Softmax only compares: a stranger's head that resembles one name a little and the others not at all gets a
high score. The logits behind it say how strong the resemblance was, and how alone it stands.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from datasets.labels import clean_name
from files.reading import read_json

# Where nothing was chosen: half of the softmax, more than all other names and the background together.
DEFAULT_THRESHOLD = 0.5

UNKNOWN = "unknown"

# What thresholds.json and reports call `evidence`: how far the best name's logit is ahead of the second's.
# Chosen by measurement, at commit 1032499: its AUROC of right detections of ssd_300_lite against those of
# drawn strangers, on photographs and on a series is 0.971, 0.974 and 0.980; by the score, the largest logit
# (Hendrycks et al. 2022) and energy (Liu et al. 2020) it is at most 0.960, 0.939 and 0.957.
EVIDENCE = "gap"


@dataclass(frozen=True)
class Thresholds:
    """Scores from which on detections are reported."""

    common: float = DEFAULT_THRESHOLD  # for names that have no threshold of their own
    names: Mapping[str, float] = field(default_factory=dict)  # name -> threshold
    # `EVIDENCE` -> value below which a detection is called unknown; empty where nothing was calibrated
    unknown: Mapping[str, float] = field(default_factory=dict)
    chosen_on: Mapping[str, Any] = field(default_factory=dict)  # what the numbers were chosen on, for people

    def of(self, names: Sequence[str]) -> np.ndarray:
        """The threshold of each of N names: float32 [N]."""
        return np.array([self.names.get(name, self.common) for name in names], np.float32)


def read_thresholds(path: Path) -> Thresholds:
    """What thresholds.json holds: `asdict` of `Thresholds`.

    ValueError where the file is damaged or holds something that is no threshold.
    """
    anew = f"`python -m tools.training_report --train_dir={path.parent}`"
    cure = f"Delete it to report from score {DEFAULT_THRESHOLD} on, or write it anew with {anew}."
    there = read_json(path, cure)
    try:
        return thresholds_from(there)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        wrong = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} does not hold thresholds ({wrong}). {cure}") from None


def thresholds_from(there: dict[str, Any]) -> Thresholds:
    """From `asdict` of `Thresholds`, as JSON has it; any of the usual errors where it is something else."""
    names = {clean_name(name): number_in(value, 0, 1) for name, value in there["names"].items()}
    unknown = {str(rule): number_in(value) for rule, value in there.get("unknown", {}).items()}
    return Thresholds(number_in(there["common"], 0, 1), names, unknown, dict(there.get("chosen_on", {})))


def number_in(value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """What JSON from outside has for a number; ValueError: it is none, or not in the range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    if not low <= value <= high:
        raise ValueError(f"{value} is not in {low}...{high}")
    return float(value)


def evidence(logits: np.ndarray) -> np.ndarray:
    """How clearly each anchor speaks for a name; the higher, the surer: float32 [..., C] -> [...]."""
    names = np.sort(logits[..., 1:], axis=-1)
    # With one name there is nobody to be mistaken for: the gap is that to a logit of 0.
    return names[..., -1] - (names[..., -2] if names.shape[-1] > 1 else 0)
