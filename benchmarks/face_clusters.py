"""How well faces are put together without a model: purity of the groups of tools.sort_faces.

    python -m benchmarks.face_clusters --faces_dir FOLDER

FOLDER has one folder of faces per character. Their names are hidden from the sorting; purity is the share of
faces that are of the character that most faces of their group are of.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console

from datasets.pictures import ACCEPTED_SUFFIXES, read_picture
from files.below import files_below
from terminal.quiet import start_tensorflow


@dataclass(frozen=True)
class Options:
    """Measures the purity of groups of faces."""

    faces_dir: Path
    """One folder of faces per character."""


def main() -> None:
    """Runs the command line."""
    options = tyro.cli(Options, prog="python -m benchmarks.face_clusters", use_underscores=True)
    start_tensorflow()
    from faces.sorting import alike_groups, open_likeness

    paths = list(files_below(options.faces_dir, ACCEPTED_SUFFIXES))
    names = sorted({path.parent.name for path in paths})
    truth = np.array([names.index(path.parent.name) for path in paths])
    points = np.stack(open_likeness()([read_picture(path) for path in paths]))
    console = Console()
    console.print(f"{len(paths)} faces of {len(names)} characters", highlight=False)
    for count in (len(names), 2 * len(names), 4 * len(names), 8 * len(names)):
        if count <= len(paths):
            groups = alike_groups(points, count)
            right = sum(np.bincount(truth[groups == group]).max() for group in range(count))
            console.print(f"{count:4} groups: purity {right / len(paths):.3f}", highlight=False)


if __name__ == "__main__":
    main()
