"""Measures a face classifier on any folder: a folder of pictures per character, or LabelImg's XML.

    python eval_face_classifier.py --checkpoint_path=RUN --faces_dir=other_faces --eval_dir=RUN/eval
    python eval_face_classifier.py --checkpoint_path=RUN --faces_dir=faces --eval_dir=RUN/test --split=test

Writes report.html, report.json, names.csv and answers.csv (one line a face). Folders of characters that the
classifier does not know count as strangers: whether they are called unknown is measured, too. --split
measures only those faces that the training put into that split of its own folder; without it, faces that were
trained on are counted and warned of.

Exit status: 0; 1 if there is nothing to measure; 2 for wrong flags.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from faces.folder import FaceOptions
from faces.options import DEFAULT_CACHE
from terminal.bars import counting_bars
from terminal.command import command
from terminal.quiet import start_tensorflow


@dataclass(frozen=True)
class Options:
    """Measures a face classifier on a folder of faces.

    Attributes:
        checkpoint_path: the --train_dir of train_face_classifier.py.
        faces_dir: one folder of pictures per character, or pictures with LabelImg's XML.
        eval_dir: folder for the report; made if it does not exist.
        split: measure only the faces that the training put into this split: train, validation or test.
        strangers_dir: folder of pictures of faces of nobody that the classifier knows, with or without
            folders inside.
        cache_dir: where what the backbone saw is kept.
    """

    checkpoint_path: Path
    faces_dir: Path
    eval_dir: Path
    split: Literal["all", "train", "validation", "test"] = "all"
    strangers_dir: Path | None = None
    cache_dir: Path = DEFAULT_CACHE
    reading: Annotated[FaceOptions, tyro.conf.arg(name="")] = field(default_factory=FaceOptions)


@command("eval_face_classifier.py", interrupted="what was looked at stays in the cache")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    options = tyro.cli(
        Options,
        args=arguments,
        prog="eval_face_classifier.py",
        description=__doc__,
        use_underscores=True,
    )
    start_tensorflow()
    run(options, Console())


def run(options: Options, console: Console) -> None:
    """Measures, writes, and says what came out.

    Raises:
        ValueError: the classifier or the faces cannot be used.
    """
    from faces.classifier import FaceClassifier
    from faces.evaluation import evaluate_faces, write_evaluation
    from faces.report import in_short

    classifier = FaceClassifier.load(options.checkpoint_path)
    with counting_bars(console) as progress:
        evaluation = evaluate_faces(
            classifier,
            options.faces_dir,
            options.reading,
            cache_dir=options.cache_dir,
            split=None if options.split == "all" else options.split,
            strangers_dir=options.strangers_dir,
            progress=progress,
        )
    write_evaluation(options.eval_dir, evaluation, classifier, options.faces_dir, options.reading)
    for note in evaluation.notes:
        console.print(f"[yellow]note[/yellow] {escape(note)}", highlight=False, soft_wrap=True)
    for sentence in in_short(evaluation.measures, evaluation.measures.unknown):
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    console.print(escape(f"See {options.eval_dir / 'report.html'}"), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
