r"""Trains a classifier that names faces: a folder of pictures per character, or LabelImg's XML.

    python train_face_classifier.py --faces_dir=faces --train_dir=runs/faces
    python train_face_classifier.py --faces_dir=faces --train_dir=runs/faces \
        --source_pattern='^(.*)/.*_(\d+)$'

Faces are looked at as tools.name_from_examples does, a little larger; from many faces of each character this
learns more. What was seen in a face is kept in --cache_dir: the second training takes seconds. Faces of one
source (by default the file name up to its last number) and faces that look alike are never on both sides of a
split. Writes into --train_dir the classifier (config.json, weights.npz), report.html, report.json, names.csv,
faces.csv (which face went into which split, and what it was called) and problems.csv.

Exit status: 0; 1 if faces cannot be used; 2 for wrong flags.
"""

from functools import partial

from rich.console import Console

from faces.options import FaceTrainingOptions
from terminal.bars import counting_bars
from terminal.command import command, note, say
from terminal.quiet import start_tensorflow


@command("train_face_classifier.py", interrupted="what was looked at stays in the cache")
def main(options: FaceTrainingOptions) -> None:
    start_tensorflow()
    from engine.reports.page import sentences
    from faces.report import write_training
    from faces.training import train_faces

    console = Console()
    with counting_bars(console) as progress:
        trained = train_faces(options, progress=progress, say=partial(say, console))
    for line in sentences("faces_figures.txt", measured=trained.measured, seconds=trained.seconds):
        say(console, line)
    for one in write_training(options, trained):
        note(console, one)
    say(console, f"See {options.train_dir / 'report.html'}")


if __name__ == "__main__":
    raise SystemExit(main())
