"""Makes names from a few boxes each: no training, seconds instead of an hour.

    python -m tools.name_from_examples --dataset_dir=my_set --output_dir=runs/names
    python detect.py --checkpoint_path=runs/names --output_dir=found my_pictures

my_set is labelled with LabelImg: 1 to 40 boxes for each name, around heads or more. runs/names gets
names.npz, and whatever detects takes that folder as its checkpoint: heads are found by the network that is in
runs/names already, or by checkpoints/anime_heads, named by likeness, and called "unknown" where none is like
enough. Boxes lie around heads as those of my_set do.

With the folder of a training that knows these names as --output_dir its boxes stay, and so do its names, the
surer by likeness to the examples: one or two points of mAP (docs/heads.md), and time for each box.

The same command with another data set adds its names, and replaces the examples of names that it knows.

Exit status: 0; 1 if there are no examples to name by.
"""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from datasets.annotations import ReadOptions, read_folder
from datasets.problems import some_of
from labelling.example_heads import examples_of, looked_at, mistaken, names_with, promised, write_names
from terminal.bars import counting_bars, show_table
from terminal.command import command, note, say
from terminal.quiet import start_tensorflow


@dataclass(frozen=True)
class Options:
    dataset_dir: Path  #: Pictures with XML by LabelImg: 1 to 40 boxes around heads for each name.
    output_dir: Path  #: Folder of names; those that are there already stay.


@command("python -m tools.name_from_examples")
def main(options: Options) -> int:
    console = Console(stderr=True)
    with counting_bars(console) as progress:
        reading = read_folder(options.dataset_dir, ReadOptions(), progress=progress)
        if not reading.annotations:
            raise ValueError(reading.nothing_found(reading.problems))
        start_tensorflow()
        examples = examples_of(reading.annotations)
        from nets.checkpoint import is_checkpoint, read_checkpoint
        from nets.detector import HEADS, Detector
        from nets.likeness import NAMES, Likeness, read_names

        likeness, known, there = Likeness.load(HEADS), {}, options.output_dir
        old = read_names(there) if (there / NAMES).is_file() else None
        if old and (old.digest, old.vectors.shape[1]) != (likeness.digest, likeness.width):
            old = None
            note(console, f"{there / NAMES} was made with another {HEADS.name} and is made anew")
        all_names, labels = {*examples, *(old.names if old else ())}, ()
        if own := is_checkpoint(there):
            labels = read_checkpoint(there).labels
        foreign = sorted(all_names - {*labels})
        beside = own and not foreign
        finder = Detector.trained(there if own and foreign else HEADS)
        for done, (name, some) in enumerate(examples.items(), start=1):
            known[name] = looked_at(some, finder, likeness)
            progress("looking", done, len(examples))
    names = names_with(old, known, likeness)
    write_names(there, names)
    for problem in reading.problems:
        note(console, f"{problem.file}: {problem.reason}; {problem.action}")
    rows = list(mistaken(names))
    show_table(console, ("name", "examples", "more like others", "most like"), rows)
    if 2 * sum(row[2] for row in rows) > sum(row[1] for row in rows):
        note(console, "Most examples are more like another name: are the boxes around heads, and well named?")
    if said := promised(names, likeness):
        say(console, f"As far as these examples tell, {said}.")
    if foreign and len(labels) > 1:
        lost = f"{there} has learnt {some_of(labels)}, and not {some_of(foreign)}"
        note(console, f"{lost}: it only finds heads now; delete {there / NAMES} to have its names again")
    where = f"{there}, beside what its network says" if beside else there
    say(console, f"{len(names.names)} names in {where}: give it as --checkpoint_path")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
