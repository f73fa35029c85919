"""What labelling some pictures is worth: how much of the others a detector trained on them gets right.

    python -m benchmarks.labelling_rounds --dataset_dir=labelled --output_dir=runs/rounds \
        --checkpoint_path=ssdlite_mobilenet_v2_coco.npz --pictures 50 100 200

Plays a person who labels a data set bit by bit, on one that is labelled already: takes some of its training
pictures, trains by --recipe=small_cpu on exactly these, lets tools.preannotate draw drafts of the rest, and
counts what the person would have to put right there, with the minutes that benchmarks.labelling_effort
assumes. Pictures that nearly equal one of those trained on do not count. The mAP is on the pictures that are
in no training split, which choose nothing.

--order=useful takes half of the pictures as --order=random does, and the other half as tools.preannotate
would show them then: run the random half first.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.labelled_folder import copy_annotations, flat_name
from benchmarks.labelling_effort import Effort, measure
from benchmarks.labelling_effort import Options as EffortOptions
from datasets.annotations import Annotation, ReadOptions, read_folder
from datasets.look_alikes import near_duplicates, perceptual_hash
from datasets.pictures import read_picture
from datasets.splits import SplitOptions
from files.parallel import map_in_threads
from labelling.drafts import ORDER
from terminal.command import command


@dataclass(frozen=True)
class Options:
    """Plays a person who labels a data set bit by bit."""

    dataset_dir: Path
    """A labelled data set."""
    output_dir: Path
    """Folder for the rounds; a round that is there already is only counted again."""
    checkpoint_path: str = ""
    """What every training starts from."""
    pictures: tuple[int, ...] = (50, 100, 200)
    """How many labelled pictures, one round each."""
    order: Literal["random", "useful"] = "random"
    """Which pictures are labelled first."""
    thresholds: tuple[float, ...] = (0.2, 0.3, 0.4, 0.5)
    """Lowest scores of the boxes in drafts."""
    seed: int = 0
    """Another one, other pictures."""


def choose(stems: Sequence[str], count: int, seed: int) -> list[str]:
    """The first pictures of a shuffled list: a larger choice has the smaller one in it.

    Raises:
        ValueError: there are not so many.
    """
    if count >= len(stems):
        raise ValueError(f"--pictures {count}: there are only {len(stems)}, and some must be left to draft")
    shuffled = sorted(stems)
    random.Random(seed).shuffle(shuffled)
    return shuffled[:count]


def unlike(rest: Sequence[Annotation], chosen: Sequence[Annotation]) -> list[Annotation]:
    """Those of the rest that are no near-duplicates of the chosen ones."""

    def hash_of(one: Annotation) -> np.uint64:
        return perceptual_hash(read_picture(one.path, turn=one.turned))

    hashes = [np.array(list(map_in_threads(hash_of, some)), np.uint64) for some in (rest, chosen)]
    alike = set(near_duplicates(*hashes)[:, 0].tolist())
    return [one for number, one in enumerate(rest) if number not in alike]


def _command(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, *map(str, arguments)], check=True, env={**os.environ, "COLUMNS": "120"})


def _train(options: Options, folder: Path) -> None:
    records = folder / "records"
    _command(
        "tf_convert_data.py", f"--dataset_dir={folder / 'set'}", f"--output_dir={records}",
        "--split_by=picture", "--split_fractions", "1", "0", "0", "--no_figure",
    )  # fmt: skip
    _command(
        "train_ssd_network.py", f"--dataset_dir={records}", f"--train_dir={folder / 'train'}",
        "--recipe=small_cpu", f"--checkpoint_path={options.checkpoint_path}",
    )  # fmt: skip


def _mean_average_precision(folder: Path, held_out: Path) -> float:
    _command(
        "eval_ssd_network.py", f"--dataset_dir={held_out}", "--dataset_split_name=held_out",
        f"--checkpoint_path={folder / 'train'}", f"--eval_dir={folder / 'eval'}",
    )  # fmt: skip
    return json.loads((folder / "eval" / "report.json").read_text(encoding="utf-8"))["map_voc07"]


def _counted(folder: Path, threshold: float, there: Sequence[Annotation]) -> tuple[Effort, int]:
    """The effort for pictures of a data set, drafted anew with a threshold; and how many boxes they have."""
    data = folder / "set"
    _command(
        "-m", "tools.preannotate", f"--dataset_dir={data}", f"--checkpoint_path={folder / 'train'}",
        f"--score_threshold={threshold}",
    )  # fmt: skip
    truth = folder / "truth"
    shutil.rmtree(truth, ignore_errors=True)
    truth.mkdir()
    for one in there:
        if one.xml is not None:
            shutil.copyfile(one.xml, truth / f"{flat_name(one)}.xml")
    return measure(EffortOptions(data / "Annotations", truth))


@command("python -m benchmarks.labelling_rounds")
def main(options: Options) -> None:
    reading = read_folder(options.dataset_dir, ReadOptions())
    splits = reading.assign(SplitOptions()).splits
    pool = {flat_name(one): one for one in reading.annotations if splits.get(one.stem) == "train"}
    held_out = [one for one in reading.annotations if splits.get(one.stem) in ("validation", "test")]
    if not (options.output_dir / "held_out").is_dir():
        copy_annotations(options.output_dir / "held_out" / "set", held_out, held_out)
        _command(
            "tf_convert_data.py", f"--dataset_dir={options.output_dir / 'held_out' / 'set'}",
            f"--output_dir={options.output_dir / 'held_out' / 'records'}",
            "--output_name=held_out", "--no_figure",
        )  # fmt: skip
    headings = ("labelled", "from score", "right", "move", "rename", "draw", "delete", "to touch", "minutes")
    table = Table(*headings, "without drafts", "pictures all right", "mAP")
    for count in options.pictures:
        stems = choose(list(pool), count, options.seed)
        if options.order == "useful":
            before = options.output_dir / f"random_{count // 2}" / "set" / ORDER
            useful = [Path(line).stem for line in before.read_text(encoding="utf-8").splitlines()]
            stems = [*stems[: count // 2], *useful[: count - count // 2]]
        labelled = [pool[stem] for stem in stems]
        folder = options.output_dir / f"{options.order}_{count}"
        if not (folder / "train" / "weights.npz").is_file():
            copy_annotations(folder / "set", list(pool.values()), labelled)
            _train(options, folder)
        map_voc07 = _mean_average_precision(folder, options.output_dir / "held_out" / "records")
        rest = unlike([one for stem, one in pool.items() if stem not in set(stems)], labelled)
        for threshold in options.thresholds:
            effort, boxes = _counted(folder, threshold, rest)
            without = Effort(drawn=boxes, pictures=effort.pictures)
            numbers = (effort.right, effort.moved, effort.renamed, effort.drawn, effort.deleted)
            table.add_row(
                f"{count} {options.order}", f"{threshold:g}", *map(str, numbers), f"{effort.corrections}",
                f"{effort.seconds / 60:.0f}", f"{boxes} boxes, {without.seconds / 60:.0f} minutes",
                f"{effort.untouched} of {effort.pictures}", f"{map_voc07:.3f}",
            )  # fmt: skip
        table.add_section()
    Console(width=140).print(table)


if __name__ == "__main__":
    sys.exit(main())
