r"""How well a face classifier names faces, on several splits.

    python -m benchmarks.face_classifier --faces_dir FACES --source_pattern '^(.*)/face_.*_(\d+)$'

Prints the share of right answers on the test faces of each split by source; mean, lowest and highest.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from datasets.splits import SplitOptions
from faces.folder import FaceOptions
from faces.options import DEFAULT_CACHE, FaceTrainingOptions
from terminal.command import command
from terminal.quiet import start_tensorflow

FRACTIONS = (0.6, 0.2, 0.2)


@dataclass(frozen=True)
class Options:
    """Measures face classifiers."""

    faces_dir: Path
    """As in train_face_classifier.py."""
    source_pattern: str = ""
    """As in train_face_classifier.py."""
    splits: int = 5
    """How many splits, by the seeds 0, 1 ..."""
    cache_dir: Path = DEFAULT_CACHE
    """As in train_face_classifier.py."""


@command("python -m benchmarks.face_classifier")
def main(options: Options) -> None:
    start_tensorflow()
    from faces.training import train_faces

    console, tests, judged = Console(), [], []
    for seed in range(options.splits):
        trained = train_faces(
            FaceTrainingOptions(
                options.faces_dir,
                Path("unused"),
                cache_dir=options.cache_dir,
                reading=FaceOptions(source_pattern=options.source_pattern),
                splitting=SplitOptions(split_fractions=FRACTIONS, seed=seed),
            )
        )
        test, validation = (trained.measured[part] for part in ("test", "validation"))
        tests.append(test.top1)
        judged.append(validation.top1)
        unknown = test.unknown
        said = f"; left out, {unknown.rejected} of {unknown.strangers} unknown" if unknown else ""
        kept = f", {unknown.right_kept:.3f} of the right kept" if unknown and unknown.right_kept else ""
        console.print(
            f"split {seed}: test {test.top1:.4f}, calibration error {test.calibration.error or 0:.3f}, "
            f"head {trained.seconds['head']:.1f} s{said}{kept}",
            highlight=False,
        )
    console.print(
        f"test {np.mean(tests):.4f}, {min(tests):.4f} to {max(tests):.4f}; validation {np.mean(judged):.4f}",
        highlight=False,
    )


if __name__ == "__main__":
    sys.exit(main())
