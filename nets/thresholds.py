"""From which score on a detection is reported: one number for each name, chosen on the validation set."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

# Where nothing was chosen: half of the softmax, more than all other names and the background together.
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Thresholds:
    """Scores from which on detections are reported.

    Attributes:
        common: for names that have no threshold of their own.
        names: name -> threshold.
        unknown: rule of `nets.unknown` -> value below which a detection is called unknown; empty where
            nothing was calibrated.
        chosen_on: what the numbers were chosen on, for people.
    """

    common: float = DEFAULT_THRESHOLD
    names: Mapping[str, float] = field(default_factory=dict)
    unknown: Mapping[str, float] = field(default_factory=dict)
    chosen_on: Mapping[str, Any] = field(default_factory=dict)

    def of(self, names: Sequence[str]) -> np.ndarray:
        """The threshold of each of N names: float32 [N]."""
        return np.array([self.names.get(name, self.common) for name in names], np.float32)

    def as_json(self) -> dict[str, Any]:
        """For thresholds.json."""
        return {
            "common": self.common,
            "names": dict(self.names),
            "unknown": dict(self.unknown),
            "chosen_on": dict(self.chosen_on),
        }


def read_thresholds(path: Path) -> Thresholds:
    """What `Thresholds.as_json` wrote.

    Raises:
        ValueError: the file is damaged or holds something that is no threshold.
    """
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        names = {str(name): _score(value) for name, value in there["names"].items()}
        unknown = {str(rule): _number(value) for rule, value in there.get("unknown", {}).items()}
        return Thresholds(_score(there["common"]), names, unknown, dict(there.get("chosen_on", {})))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} does not hold thresholds ({type(error).__name__}: {error}). Delete it to report from "
            f"score {DEFAULT_THRESHOLD} on, or write it anew with `python -m tools.training_report "
            f"--train_dir={path.parent}`."
        ) from None


def _score(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{number} is not in 0...1")
    return number


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
