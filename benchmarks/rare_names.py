"""A labelled data set in which some names are rare, to measure what serves such names.

    python -m benchmarks.rare_names --dataset_dir=labelled --output_dir=rare --names Usopp Zoro --pictures=12
    python tf_convert_data.py --dataset_dir=rare --output_dir=rare_records
    python -m benchmarks.recipe --dataset_dir=rare_records --runs_dir=runs/rare --checkpoint_path=W.npz \
        --rows base paste_off paste_off+repeat_0.3

Training pictures of these names go until so many of each are left. The other sets stay whole: with few
validation pictures of a name nobody could say what it is worth.
"""

import random
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.labelled_folder import copy_annotations, flat_name
from datasets.annotations import ReadOptions, read_folder
from datasets.splits import SplitOptions
from files.writing import write_text
from terminal.command import command


@dataclass(frozen=True, kw_only=True)
class Options:
    """Copies a labelled data set with some names made rare in its training set.

    Attributes:
        dataset_dir: a labelled data set.
        output_dir: the copy, with ImageSets/Main.
        names: to be made rare.
        pictures: at most so many training pictures of each.
        seed: another one, other pictures.
    """

    dataset_dir: Path
    output_dir: Path
    names: tuple[str, ...]
    pictures: int = 12
    seed: int = 0


def thin_out(
    names_of: Mapping[str, Collection[str]], rare: Collection[str], pictures: int, seed: int
) -> list[str]:
    """Which pictures stay, in the order of their names.

    Args:
        names_of: a picture's names by picture.
        rare: names of which few pictures stay.
        pictures: at most so many of each.
        seed: of the choice.

    Raises:
        ValueError: no picture shows one of the rare names.
    """
    absent = set(rare).difference(*names_of.values())
    if absent:
        raise ValueError(f"--names {' '.join(sorted(absent))}: no training picture shows that name")
    shuffled = sorted(names_of)
    random.Random(seed).shuffle(shuffled)
    kept: Counter[str] = Counter()
    stay: list[str] = []
    for picture in shuffled:
        shown = set(rare).intersection(names_of[picture])
        if all(kept[name] < pictures for name in shown):
            kept.update(shown)
            stay.append(picture)
    return sorted(stay)


@command("python -m benchmarks.rare_names")
def main(options: Options) -> None:
    """Copies the pictures that stay, and lists which set each belongs to.

    Raises:
        FileExistsError: something is in the output folder already.
    """
    if options.output_dir.is_dir() and any(options.output_dir.iterdir()):
        raise FileExistsError(f"{options.output_dir} is not empty; pictures of two choices would mix there")
    reading = read_folder(options.dataset_dir, ReadOptions())
    assigned = reading.assign(SplitOptions()).splits
    annotations = {flat_name(one): one for one in reading.annotations}
    splits = {name: assigned.get(one.stem) for name, one in annotations.items()}
    train = {stem: one.names for stem, one in annotations.items() if splits.get(stem) == "train"}
    stay = thin_out(train, options.names, options.pictures, options.seed)
    lists = {"train": stay} | {
        file: sorted(stem for stem in annotations if splits.get(stem) == split)
        for file, split in (("val", "validation"), ("test", "test"))
    }
    copied = [annotations[stem] for stems in lists.values() for stem in stems]
    copy_annotations(options.output_dir, copied, copied)
    (options.output_dir / "ImageSets" / "Main").mkdir(parents=True)
    for file, stems in lists.items():
        if stems:
            lines = "".join(f"{stem}\n" for stem in stems)
            write_text(options.output_dir / "ImageSets" / "Main" / f"{file}.txt", lines)
    print(f"{len(stay)} of {len(train)} training pictures stay.")


if __name__ == "__main__":
    sys.exit(main())
