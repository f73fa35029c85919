r"""What names faces best, and what views and the cache cost.

    python -m benchmarks.face_classifier table --faces_dir FACES --backbone_weights vgg16_imagenet_conv.npz \
        --source_pattern '^(.*)/face_.*_(\d+)$'
    python -m benchmarks.face_classifier cost --faces_dir FACES --backbone_weights vgg16_imagenet_conv.npz

`table` trains every recipe below on several splits by source and prints the share of right answers on their
test faces: mean, lowest and highest. `cost` trains twice in an empty cache: on each face and its mirror
image, then on several views, then again; and prints how many times the first pass the others took.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from datasets.splits import SplitOptions
from faces.folder import FaceOptions
from faces.options import DEFAULT_CACHE, FaceTrainingOptions
from terminal.bars import counting_bars
from terminal.quiet import start_tensorflow

_FRACTIONS = (0.6, 0.2, 0.2)


@dataclass(frozen=True)
class _Options:
    faces_dir: Path
    """As in train_face_classifier.py."""
    backbone_weights: str
    """As in train_face_classifier.py, of vgg16."""
    source_pattern: str = ""
    """As in train_face_classifier.py."""
    image_size: int = 192
    """Side of what the backbone sees, in pixels."""


@dataclass(frozen=True)
class TableOptions(_Options):
    """Compares recipes on several splits."""

    splits: int = 5
    """How many splits, by the seeds 0, 1 ..."""
    cache_dir: Path = DEFAULT_CACHE
    """As in train_face_classifier.py."""


@dataclass(frozen=True)
class CostOptions(_Options):
    """Times passes with one view and with several, and with everything in the cache."""

    views: int = 4
    """Views of each training face."""


def recipes(options: TableOptions) -> dict[str, FaceTrainingOptions]:
    """From the last map of one view to the defaults, a step at a time."""
    ours = FaceTrainingOptions(
        options.faces_dir,
        Path("unused"),
        backbone_weights=options.backbone_weights,
        image_size=options.image_size,
        cache_dir=options.cache_dir,
        left_out=0,
        reading=FaceOptions(source_pattern=options.source_pattern),
    )
    return {
        "last map": replace(ours, strides=(32,), views=1),
        "conv5_3": replace(ours, strides=(16,), views=1),
        "conv4_3": replace(ours, views=1),
        "... and mirror images": replace(ours, views=2),
        "... and 4 views": replace(ours, views=4),
    }


def table(options: TableOptions, console: Console) -> None:
    """Trains and prints."""
    from faces.training import train_faces

    rows = Table()
    for heading in ("recipe", "test", "lowest", "highest", "validation", "top 5", "calibration", "head, s"):
        rows.add_column(heading, no_wrap=True)
    for label, recipe in recipes(options).items():
        found = []
        for seed in range(options.splits):
            trained = train_faces(
                replace(recipe, splitting=SplitOptions(split_fractions=_FRACTIONS, seed=seed))
            )
            found.append(trained)
            if "test" in trained.measured:
                top1 = trained.measured["test"].top1
                console.print(f"{label}, split {seed}: {top1:.4f}", highlight=False)
        tests = [one.measured["test"] for one in found if "test" in one.measured]
        judged = [one.measured["validation"] for one in found if "validation" in one.measured]
        top1 = [one.top1 for one in tests]
        rows.add_row(
            label,
            f"{100 * np.mean(top1):.1f} %",
            f"{100 * min(top1):.1f} %",
            f"{100 * max(top1):.1f} %",
            f"{100 * np.mean([one.top1 for one in judged]):.1f} %",
            f"{100 * np.mean([one.top5 for one in tests]):.1f} %",
            f"{np.mean([one.calibration.error or 0.0 for one in tests]):.3f}",
            f"{np.mean([one.seconds['head'] for one in found]):.1f}",
        )
    console.print(rows)


def cost(options: CostOptions, console: Console) -> None:
    """Trains in an empty cache and prints how long it took."""
    from faces.training import train_faces

    with tempfile.TemporaryDirectory(prefix="face-features-") as folder:
        one_view = FaceTrainingOptions(
            options.faces_dir,
            Path("unused"),
            backbone_weights=options.backbone_weights,
            image_size=options.image_size,
            views=1,
            left_out=0,
            cache_dir=Path(folder, "one"),
            reading=FaceOptions(source_pattern=options.source_pattern),
        )
        several = replace(one_view, views=options.views, cache_dir=Path(folder, "several"))

        def timed(what: str, recipe: FaceTrainingOptions) -> tuple[float, int]:
            started = time.monotonic()
            with counting_bars(console) as progress:
                seen = train_faces(recipe, progress=progress).seen
            seconds, computed = time.monotonic() - started, seen.plain.computed + seen.taught.computed
            console.print(f"{what}: {seconds:.1f} s, {computed} views computed", highlight=False)
            return seconds, computed

        pass_seconds, _ = timed("each face and its mirror image", one_view)
        views_seconds, _ = timed(f"{options.views} views of each training face", several)
        cached_seconds, again = timed("the same, from the cache", several)
    if again:
        raise ValueError(f"{again} views were computed though all were in the cache")
    ratio = views_seconds / pass_seconds
    console.print(
        f"{options.views} views took {ratio:.2f} times the first pass; from the cache "
        f"{cached_seconds / pass_seconds:.3f} times",
        highlight=False,
    )


def main() -> None:
    """Runs the command line."""
    options = tyro.extras.subcommand_cli_from_dict(
        {"table": TableOptions, "cost": CostOptions},
        prog="python -m benchmarks.face_classifier",
        description=__doc__,
        use_underscores=True,
    )
    start_tensorflow()
    if isinstance(options, TableOptions):
        table(options, Console())
    else:
        cost(options, Console())


if __name__ == "__main__":
    main()
